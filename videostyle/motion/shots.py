"""Where a cut is, told from frames that are decoded anyway."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat

import cv2
import numpy as np

from videostyle.frames import Frame, Pixels, Plane

LOOKAHEAD = 2  # frames on either side that a cut must stand out from
TIMES, LEAST = 3.0, 15.0  # their change on average, and levels, that the change at a cut is at least
FLASH = 3  # frames that one lasts at most
ALIKE = 0.75  # of a picture's contrast: pictures of one thing differ by less; of two things, on average, by 1.4
_WIDTH = 256  # of the picture that cuts are judged on
_COARSE = 12  # of that which flashes are


def find_shots(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    """Yield each frame with whether a new shot starts there; the first one always does.

    A cut is a change of hue, saturation and brightness three times as large as that of the frames around it, so
    fast pans and fades are none; nor is a flash. Runs `LOOKAHEAD` + `FLASH` frames behind its input.
    """
    return merge_flashes(_changes(frames))


def _changes(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    """The same with flashes, `LOOKAHEAD` frames behind."""
    changes: deque[float | None] = deque([None] * LOOKAHEAD, maxlen=2 * LOOKAHEAD + 1)
    waiting: deque[Frame] = deque()
    before: Pixels | None = None
    begun = False
    for frame in chain(frames, repeat(None, LOOKAHEAD)):
        if frame is None:
            changes.append(None)
        else:
            now = _small(frame.pixels)
            changes.append(None if before is None else _change(before, now))
            waiting.append(frame)
            before = now
        if len(changes) == changes.maxlen:
            yield waiting.popleft(), not begun or stands_out(changes)
            begun = True


def stands_out(changes: Sequence[float | None]) -> bool:
    """Whether the middle one of 2 × `LOOKAHEAD` + 1 changes is much larger than the others; None is beyond the film.

    The rule and the thresholds of PySceneDetect's AdaptiveDetector (B. Castellano, scenedetect 0.7, BSD-3-Clause).
    """
    change = changes[LOOKAHEAD]
    others = [other for place, other in enumerate(changes) if place != LOOKAHEAD and other is not None]
    around = sum(others) / max(1, len(others))
    return change is not None and change >= max(LEAST, TIMES * around)


def _change(before: Pixels, now: Pixels) -> float:
    """Mean difference of hue, saturation and value, in levels: PySceneDetect's `content_val`."""
    return float(np.mean(cv2.absdiff(before, now)))


def merge_flashes(shots: Iterable[tuple[Frame, bool]]) -> Iterator[tuple[Frame, bool]]:
    """Yield the same without cuts into a flash or out of it; `FLASH` frames behind."""
    earlier: deque[Plane] = deque(maxlen=FLASH + 1)
    waiting: deque[tuple[Frame, bool, Plane]] = deque()
    for shot in chain(shots, repeat(None, FLASH)):
        if shot is not None:
            waiting.append((*shot, _coarse(shot[0].pixels)))
        if waiting and (shot is None or len(waiting) > FLASH):
            frame, new_shot, picture = waiting[0]
            yield frame, new_shot and not _flashes(tuple(earlier), [later for _, _, later in waiting])
            earlier.append(picture)
            waiting.popleft()


def _flashes(earlier: Sequence[Plane], later: Sequence[Plane]) -> bool:
    """Whether the change between two runs of pictures is one of light, and either side of it is soon the same."""
    if not earlier:
        return False
    change = later[0] - earlier[-1]
    size, fade = _length(change), _length(change.mean((0, 1)))
    pairs = ((one, other) for back, one in enumerate(reversed(earlier)) for other in later[: FLASH + 1 - back])
    same = (_length(other - one) < min(0.5 * size, ALIKE * _contrast(one)) for one, other in pairs)
    return fade > 0.5 * size and any(same)


def _coarse(pixels: Pixels) -> Plane:
    """Too small for motion to tell, (h, w, 3)."""
    coarse: Plane = cv2.resize(pixels, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return coarse


def _contrast(picture: Plane) -> float:
    return _length(picture - picture.mean((0, 1)))


def _length(values: Plane) -> float:
    return float(np.sqrt(np.square(values).mean()))


def _small(pixels: Pixels) -> Pixels:
    """8-bit hue, saturation and value, at most `_WIDTH` wide."""
    if pixels.dtype != np.uint8:
        pixels = (pixels >> 8).astype(np.uint8)
    h, w = pixels.shape[:2]
    if w > _WIDTH:
        pixels = cv2.resize(pixels, (_WIDTH, max(1, round(h * _WIDTH / w))), interpolation=cv2.INTER_AREA)
    judged: Pixels = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2HSV)
    return judged
