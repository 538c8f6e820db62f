"""Workers around another one: what they do to frames before and after that one has them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

import numpy as np

from videostyle.frames import Frame, Samples, TrackedFrame
from videostyle.journal.state import Bars, SegmentState
from videostyle.render.bars import NONE, crop_frame, find_bars
from videostyle.render.crossfade import mix
from videostyle.render.finished import FinishedFrame, SegmentEnd, Stylized, UntouchedFrame, Worker
from videostyle.render.insert import OldLook, RangeFrame, UnchangedFrame


@dataclass(frozen=True, eq=False)
class WrappedFrame:
    """A finished frame to which something is done before it is encoded; what it leaves to others stays as it is."""

    finished: FinishedFrame

    @property
    def content(self) -> Frame:
        return self.finished.content

    @property
    def frame(self) -> Frame:
        return self.finished.frame

    @property
    def losses(self) -> dict[str, float]:
        return self.finished.losses

    @property
    def left(self) -> SegmentState | None:
        return self.finished.left


class WrappedWorker:
    """A worker that has another one stylize."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def stream(self) -> AbstractContextManager[None]:
        return self._worker.stream()


@dataclass(frozen=True, eq=False)
class BarredFrame:
    """A finished frame between the bars of its content."""

    content: Frame
    finished: FinishedFrame
    bars: Bars

    @property
    def frame(self) -> Frame:
        top, _, left, _ = self.bars
        inner = self.finished.frame.pixels
        pixels = self.content.pixels.copy()
        pixels[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
        return replace(self.content, pixels=pixels)

    @property
    def losses(self) -> dict[str, float]:
        return self.finished.losses

    @property
    def left(self) -> SegmentState | None:
        left = self.finished.left
        return None if left is None else replace(left, bars=self.bars)


class BarsWorker(WrappedWorker):
    """Has another worker stylize what lies between the bars of each shot."""

    def stylize(
        self, frames: Iterable[TrackedFrame], state: SegmentState | None, *, opens_job: bool = False
    ) -> Iterator[Stylized]:
        whole: deque[tuple[Frame, Bars]] = deque()  # frames that were handed on and have not come back
        bars = NONE
        for stylized in self._worker.stylize(_cropped(frames, state, whole), state, opens_job=opens_job):
            if isinstance(stylized, SegmentEnd):
                yield stylized if stylized.state is None else SegmentEnd(replace(stylized.state, bars=bars))
                return
            content, bars = whole.popleft()
            yield BarredFrame(content, stylized, bars) if any(bars) else stylized


def _cropped(
    frames: Iterable[TrackedFrame], state: SegmentState | None, whole: deque[tuple[Frame, Bars]]
) -> Iterator[TrackedFrame]:
    bars = NONE if state is None else state.bars
    for frame in frames:
        if isinstance(frame, RangeFrame) and frame.neighbours is not None:
            bars = find_bars(frame.neighbours.opening)
        elif frame.motion is None:
            bars = find_bars(frame.frame.pixels)
        whole.append((frame.frame, bars))
        yield crop_frame(frame, bars) if any(bars) else frame


@dataclass(frozen=True, eq=False)
class SideBySideFrame(WrappedFrame):
    """A finished frame with its content to the left."""

    @property
    def frame(self) -> Frame:
        frame = self.finished.frame
        alpha = None if frame.alpha is None else np.hstack([frame.alpha, frame.alpha])
        return replace(frame, pixels=np.hstack([self.content.pixels, frame.pixels]), alpha=alpha)


class SideBySideWorker(WrappedWorker):
    """Puts the content to the left of what another worker makes of it."""

    def stylize(
        self, frames: Iterable[TrackedFrame], state: SegmentState | None, *, opens_job: bool = False
    ) -> Iterator[Stylized]:
        for stylized in self._worker.stylize(frames, state, opens_job=opens_job):
            yield stylized if isinstance(stylized, SegmentEnd) else SideBySideFrame(stylized)


@dataclass(frozen=True, eq=False)
class CrossfadedFrame(WrappedFrame):
    """A finished frame that goes over from the old look into the new one."""

    old: OldLook

    @property
    def frame(self) -> Frame:
        return mix(self.old, self.finished.frame)


class InsertWorker(WrappedWorker):
    """Leaves unchanged frames as they are, has another worker stylize those between, and mixes old looks with new."""

    def stylize(
        self, frames: Iterable[TrackedFrame], state: SegmentState | None, *, opens_job: bool = False
    ) -> Iterator[Stylized]:
        for unchanged, some in groupby(frames, lambda frame: isinstance(frame, UnchangedFrame)):
            if unchanged:
                yield from (UntouchedFrame(frame.frame) for frame in some)
                continue
            old: deque[OldLook | None] = deque()  # of frames that were handed on and have not come back
            for stylized in self._worker.stylize(_noted(some, old), state, opens_job=opens_job):
                if isinstance(stylized, SegmentEnd):
                    state = stylized.state
                else:
                    look = old.popleft()
                    yield stylized if look is None else CrossfadedFrame(stylized, look)
        yield SegmentEnd(state)


def _noted(frames: Iterable[TrackedFrame], old: deque[OldLook | None]) -> Iterator[TrackedFrame]:
    """Pass frames on, and note what each looked like before."""
    for frame in frames:
        old.append(frame.old if isinstance(frame, RangeFrame) else None)
        yield frame


@dataclass(frozen=True, eq=False)
class EnlargedFrame(WrappedFrame):
    """A finished frame of a preview, as large as the final one: `size` is (width, height)."""

    size: tuple[int, int]

    @cached_property
    def content(self) -> Frame:
        return _enlarged(self.finished.content, self.size)

    @cached_property
    def frame(self) -> Frame:
        return _enlarged(self.finished.frame, self.size)


class EnlargingWorker(WrappedWorker):
    """Enlarges what another worker makes to (width, height) `size`."""

    def __init__(self, worker: Worker, size: tuple[int, int]) -> None:
        super().__init__(worker)
        self._size = size

    def stylize(
        self, frames: Iterable[TrackedFrame], state: SegmentState | None, *, opens_job: bool = False
    ) -> Iterator[Stylized]:
        for stylized in self._worker.stylize(frames, state, opens_job=opens_job):
            yield stylized if isinstance(stylized, SegmentEnd) else EnlargedFrame(stylized, self._size)


def _enlarged(frame: Frame, size: tuple[int, int]) -> Frame:
    alpha = None if frame.alpha is None else _resized(frame.alpha[..., None], size)[..., 0]
    return replace(frame, pixels=_resized(frame.pixels, size), alpha=alpha)


def _resized(pixels: Samples, size: tuple[int, int]) -> Samples:
    from videostyle.style.pixels import resize, to_pixels, to_tensor

    return to_pixels(resize(to_tensor(pixels), size[::-1]), pixels.dtype)
