"""Black bars of a shot, and frames without them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from videostyle.frames import Motion, Pixels, Reference, TrackedFrame
from videostyle.journal.state import Bars
from videostyle.render.insert import FinishedNeighbours, RangeFrame

BLACK = 20 / 255  # of the full range: the brightest that a bar may be
NARROWEST = 0.01  # of a side: what is narrower is no bar
UNEVEN = 2  # pixels by which two bars may differ
WIDEST = 0.4  # of a side, of one bar

NONE: Bars = (0, 0, 0, 0)

Array = TypeVar("Array", bound="np.ndarray[Any, Any]")


def find_bars(pixels: Pixels) -> Bars:
    """Return the bars of a picture, (H, W, 3): black, and as wide on either side; a dark picture has none."""
    lit = pixels.max(axis=2) > BLACK * np.iinfo(pixels.dtype).max
    top, bottom = _pair(lit.any(axis=1))
    left, right = _pair(lit.any(axis=0))
    return top, bottom, left, right


def _pair(lit: np.ndarray[Any, Any]) -> tuple[int, int]:
    """How many of a row's places are unlit at both ends, if these are bars."""
    if not lit.any():
        return 0, 0
    first, last = int(lit.argmax()), int(lit[::-1].argmax())
    shortest, longest = max(2, NARROWEST * len(lit)), WIDEST * len(lit)
    even = abs(first - last) <= UNEVEN and shortest <= min(first, last) and max(first, last) <= longest
    return (first, last) if even else (0, 0)


def crop(plane: Array, bars: Bars) -> Array:
    """Return what lies between the bars of an array (H, W, …)."""
    top, bottom, left, right = bars
    return np.ascontiguousarray(plane[top : plane.shape[0] - bottom, left : plane.shape[1] - right])  # type: ignore[return-value]


def crop_frame(tracked: TrackedFrame, bars: Bars) -> TrackedFrame:
    """Return a frame, and all that is known of it, without its bars."""
    frame = tracked.frame
    alpha = None if frame.alpha is None else crop(frame.alpha, bars)
    cropped = replace(
        tracked,
        frame=replace(frame, pixels=crop(frame.pixels, bars), alpha=alpha),
        motion=_crop_motion(tracked.motion, bars),
        forward_motion=_crop_motion(tracked.forward_motion, bars),
        references=tuple(Reference(r.index, _crop_known(r.motion, bars)) for r in tracked.references),
        regions=tuple(crop(region, bars) for region in tracked.regions),
    )
    if isinstance(cropped, RangeFrame) and cropped.neighbours is not None:
        return replace(cropped, neighbours=_crop_neighbours(cropped.neighbours, bars))
    return cropped


def _crop_motion(motion: Motion | None, bars: Bars) -> Motion | None:
    return None if motion is None else _crop_known(motion, bars)


def _crop_known(motion: Motion, bars: Bars) -> Motion:
    return Motion(crop(motion.flow, bars), crop(motion.mask, bars))


def _crop_neighbours(neighbours: FinishedNeighbours, bars: Bars) -> FinishedNeighbours:
    finished = {index: crop(pixels, bars) for index, pixels in neighbours.finished.items()}
    return replace(neighbours, opening=crop(neighbours.opening, bars), finished=finished)
