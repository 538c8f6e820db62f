"""Frame, Motion, TrackedFrame, Span: what passes from room to room. Nothing here knows files, flow or networks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import InputError
from videostyle.timecode import Timecode

Pixels = NDArray[Any]  # (H, W, 3) RGB, uint8 or uint16, the dtype's full range meaning [0, 1]
Samples = NDArray[Any]  # (H, W) or (H, W, C) of the same types: alpha, or what a file stores
Plane = NDArray[np.float32]

MAX_PIXELS = 64_000_000  # of a frame or an image; larger ones are refused before they are decoded

FAINTEST = 1 / 8  # of full light: in less, noise and the steps between levels are all that could be raised


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture as it is shown: upright, and exactly when.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        pts: Presentation timestamp; `pts * time_base` is exact seconds.
        time_base: Seconds per tick.
        duration: How long it is shown, in ticks; 0 where the source does not say.
        index: Its place among the source's shown frames, from 0.
        alpha: (H, W) of the pixels' dtype, 0 transparent; pixels are not multiplied by it. None where all is opaque.

    """

    pixels: Pixels
    pts: int
    time_base: Fraction
    duration: int
    index: int
    alpha: Samples | None = None

    @property
    def seconds(self) -> Fraction:
        return self.pts * self.time_base


@dataclass(frozen=True, eq=False)
class Motion:
    """How a frame came from the previous one.

    Args:
        flow: (H, W, 2) float32, pixels (dx, dy): where in the previous frame each pixel was, relative to itself.
        mask: (H, W) float32 in [0, 1]: 1 where the flow can be trusted, 0 where newly visible.

    """

    flow: Plane
    mask: Plane


@dataclass(frozen=True, eq=False)
class Reference:
    """Another frame that shows what the previous one hid: an older one, or a finished one that is to follow.

    Args:
        index: Of that frame.
        motion: From it to this one; the masks of all that a step follows add up to 1 at most.

    """

    index: int
    motion: Motion


@dataclass(frozen=True)
class Fade:
    """How far a frame has faded: an image c in it is seen as 1 - to_white · (1 - to_black · c).

    Args:
        to_black: 1 in full light, 0 in black.
        to_white: 1 in full light, 0 in white.

    """

    to_black: float = 1.0
    to_white: float = 1.0

    @property
    def invisible(self) -> bool:
        """Whether too little is left to see anything by."""
        return self.to_black * self.to_white < FAINTEST


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """A frame and its motion.

    Args:
        frame: The frame.
        motion: None means a fresh start: the first frame, or a new shot.
        references: Other frames that help where the previous one cannot, newest first.
        retained: Indices of the frames that later steps may recall, this one among them or not.
        regions: (H, W) in [0, 1] for each style: where in the frame it goes. Empty where styles are mixed.
        fade: That the frame is in, and its result will be.
        forward_motion: How the previous frame comes from this one; None where `motion` is, or nobody goes back.

    """

    frame: Frame
    motion: Motion | None
    references: tuple[Reference, ...] = ()
    retained: tuple[int, ...] = ()
    regions: tuple[Plane, ...] = ()
    fade: Fade = Fade()
    forward_motion: Motion | None = None


@dataclass(frozen=True)
class Span:
    """A half-open range of frames, by index or by time; the whole clip by default.

    Args:
        first, last: Frame indices; `last` is None for the end of the clip, and is not in the range.
        start, end: Seconds since the beginning of the clip; `end` is not in the range.
        start_code, end_code: The same as timecode, until `Clip.resolved` makes them seconds.

    Raises:
        InputError: The range holds no frame.

    """

    first: int = 0
    last: int | None = None
    start: Fraction | None = None
    end: Fraction | None = None
    start_code: Timecode | None = None
    end_code: Timecode | None = None

    def __post_init__(self) -> None:
        if self.first < 0 or (self.last is not None and self.last <= self.first):
            raise InputError(f"the range {self.first}:{self.last} holds no frame; say A:B with B greater than A")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise InputError("--end must lie after --start")

    @property
    def whole(self) -> bool:
        return self == Span()

    @property
    def one_frame(self) -> bool:
        """Whether it holds one frame at most, by its index."""
        return self.last is not None and self.last - self.first == 1

    def contains(self, index: int, seconds: Fraction) -> bool:
        """Return whether the frame with this index, shown at this time, lies in the range."""
        begun = index >= self.first and (self.start is None or seconds >= self.start)
        return begun and not self.ended(index, seconds)

    def ended(self, index: int, seconds: Fraction) -> bool:
        """Return whether a frame lies at or after the end of the range, as do all that follow it."""
        past_last = self.last is not None and index >= self.last
        return past_last or (self.end is not None and seconds >= self.end)

    def indices(self, times: Iterable[Fraction]) -> list[int]:
        """Return the indices of the frames in the range, given the seconds at which each frame is shown."""
        return [index for index, seconds in enumerate(times) if self.contains(index, seconds)]


def at_depth(pixels: Pixels, dtype: type[np.uint8] | type[np.uint16]) -> Pixels:
    """Pixels in 8 or 16 bits, rounded; there and back from 8 bits changes nothing."""
    if pixels.dtype == dtype:
        return pixels
    if dtype is np.uint16:
        return pixels.astype(np.uint16) * 257
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def fit(width: int, height: int, longest: int) -> tuple[int, int]:
    """(width, height) with the longest side `longest`, rounded to even as video codecs want it.

    A picture that already has that side is left as it is, odd or not.
    """
    if max(width, height) == longest:
        return width, height
    scale = longest / max(width, height)
    even = (max(2, 2 * round(side * scale / 2)) for side in (width, height))
    return next(even), next(even)
