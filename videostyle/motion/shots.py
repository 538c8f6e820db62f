"""Where a cut is: PySceneDetect's adaptive detector, fed with frames that are decoded anyway."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from scenedetect import AdaptiveDetector, FrameTimecode

from videostyle.frames import Frame, Pixels

LOOKAHEAD = 2  # frames on either side that a cut must stand out from
_WIDTH = 256  # of the picture that cuts are judged on


def find_shots(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    """Yield each frame with whether a new shot starts there; the first one always does.

    A cut is a change of hue, saturation and brightness three times as large as that of the frames around it, so
    fast pans and fades are none. Runs `LOOKAHEAD` frames behind its input.
    """
    detector = AdaptiveDetector(window_width=LOOKAHEAD, min_scene_len=1)
    waiting: deque[Frame] = deque()
    number = 0

    def changes(pixels: Pixels) -> bool:
        """Feed one picture; whether a cut stands at the picture `LOOKAHEAD` before it."""
        nonlocal number
        number += 1
        return bool(detector.process_frame(FrameTimecode(number, fps=25.0), pixels))

    picture = None
    for frame in frames:
        picture = _small(frame.pixels)
        if not number:
            for _ in range(LOOKAHEAD):
                changes(picture)
        cut = changes(picture)
        waiting.append(frame)
        if len(waiting) > LOOKAHEAD:
            first = waiting.popleft()
            yield first, cut or number == 2 * LOOKAHEAD + 1
    while waiting and picture is not None:
        cut = changes(picture)
        yield waiting.popleft(), cut or number <= 2 * LOOKAHEAD + 1


def _small(pixels: Pixels) -> Pixels:
    """8-bit BGR, at most `_WIDTH` wide, as the detector wants it."""
    if pixels.dtype != np.uint8:
        pixels = (pixels >> 8).astype(np.uint8)
    h, w = pixels.shape[:2]
    if w > _WIDTH:
        pixels = cv2.resize(pixels, (_WIDTH, max(1, round(h * _WIDTH / w))), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(pixels[..., ::-1])
