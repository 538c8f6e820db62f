"""Where it flickers: the output, dimmed, with the error in color laid over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Pixels
from videostyle.measure.quality import formulas
from videostyle.measure.quality.compare import Comparison, Measures, View
from videostyle.measure.quality.summary import Evaluation
from videostyle.media.clip import Clip
from videostyle.media.video.codecs import choose
from videostyle.media.writer import VideoWriter

DIM = 0.45
HOTTEST = 0.2  # warp error of a pixel that is shown in full yellow; half of it in full red
DOUBT = np.array([0.10, 0.30, 0.75], np.float32)  # blue: the motion is not trusted, or there is none at a cut


class HeatmapFile:
    """A video beside the output's clock: gray, red to yellow where a pixel's warp error is, blue where none is known.

    A context manager; the file appears when it is complete.

    Args:
        path: .mp4, .mov or .mkv.
        clip: The output that is measured.
        replace: Take the place of a file that is there.

    """

    def __init__(self, path: Path, clip: Clip, *, replace: bool) -> None:
        comment = f"videostyle evaluate: warp error of {clip.path.name}"
        encoding = choose(path, clip.colors.for_video(), "h264")
        size = clip.width, clip.height
        self._writer = VideoWriter(path, clip, size, encoding, [], comment=comment, replace=replace)

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def write(self, view: View, measures: Measures) -> None:
        self._writer.write(replace(view.pair.output, pixels=heat(view.pair.output.pixels, view.short)))

    def close(self, evaluation: Evaluation) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)


def heat(output: Pixels, found: Comparison | None) -> Pixels:
    """(H, W, 3) uint8 of one frame; all of it in doubt where there is no comparison."""
    gray = (formulas.picture(output) @ formulas.LUMA * DIM)[..., None]
    if found is None:
        return _pixels((gray + DOUBT) / 2)
    trust = found.motion.mask[..., None]
    strength = np.clip(np.sqrt(np.square(found.output).mean(-1, keepdims=True)) * trust / HOTTEST, 0, 1)
    red, green = np.clip(2 * strength, 0, 1), np.clip(2 * strength - 1, 0, 1)
    glow = np.concatenate([red, green, np.zeros_like(red)], -1)
    shown = gray * (1 - red) + glow
    return _pixels(shown * trust + (gray + DOUBT) / 2 * (1 - trust))


def _pixels(seen: NDArray[np.floating[Any]]) -> Pixels:
    pixels: Pixels = (np.clip(seen, 0, 1) * 255).round().astype(np.uint8)
    return pixels
