"""Workers: each stylizes the frames of one segment at a time, in one thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import cycle, groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from videostyle.frames import Frame, TrackedFrame
from videostyle.journal.state import Bars, SegmentState
from videostyle.media.image import still
from videostyle.plan.plan import Plan
from videostyle.render.bars import NONE, crop_frame, find_bars
from videostyle.render.crossfade import mix
from videostyle.render.engine import Engine, StyleInputs
from videostyle.render.insert import FinishedNeighbours, OldLook, RangeFrame, UnchangedFrame, pop_insert_start
from videostyle.render.states import exact_state, segment_state, tensor_state

if TYPE_CHECKING:
    from videostyle.style.state import State
    from videostyle.style.stylized import StylizedFrame
    from videostyle.style.stylizer import Stylizer

OnWork = Callable[[float], None]


class FinishedFrame(Protocol):
    """A frame on its way to the encoder; whoever asks for `frame` or `losses` waits for the device."""

    @property
    def content(self) -> Frame: ...

    @property
    def frame(self) -> Frame: ...

    @property
    def losses(self) -> dict[str, float]: ...

    @property
    def left(self) -> SegmentState | None:
        """What it leaves to those that follow, to the last bit; asked for once `frame` is there."""
        ...


@dataclass(frozen=True, eq=False)
class UntouchedFrame:
    """A frame that no step was taken on."""

    content: Frame
    losses: dict[str, float] = field(default_factory=dict)
    left: SegmentState | None = None

    @property
    def frame(self) -> Frame:
        return self.content


@dataclass(frozen=True, eq=False)
class RestyledFrame:
    """A frame from the stylizer; `keeps_state` where later ones start from it."""

    stylized: StylizedFrame
    keeps_state: bool

    @property
    def content(self) -> Frame:
        return self.stylized.content

    @property
    def frame(self) -> Frame:
        return self.stylized.frame

    @property
    def losses(self) -> dict[str, float]:
        return self.stylized.losses

    @property
    def left(self) -> SegmentState | None:
        return exact_state(self.stylized.state) if self.keeps_state else None


@dataclass(frozen=True, eq=False)
class SegmentEnd:
    """All frames of a segment are stylized; `state` is what they leave to later segments."""

    state: SegmentState | None


Stylized = FinishedFrame | SegmentEnd


class Worker(Protocol):
    """Stylizes segments."""

    def stylize(
        self, frames: Iterable[TrackedFrame], state: SegmentState | None, *, opens_job: bool = False
    ) -> Iterator[Stylized]:
        """Yield the frames of a segment stylized, and then the segment's end.

        Args:
            frames: In order.
            state: What earlier segments left.
            opens_job: The first frame is the job's.

        """
        ...

    def stream(self) -> AbstractContextManager[None]:
        """The context in which one thread calls `stylize`."""
        ...


def make_workers(plan: Plan, engines: Sequence[Engine], on_work: OnWork, count: int = 1) -> list[Worker]:
    """So many workers, one after another on each engine; without engines, workers that pass pixels through."""
    if not engines:
        return [_wrapped(PassThrough(), plan)] * count
    inputs = StyleInputs.load(plan.request.styles, plan.settings)
    return [_wrapped(_styling(plan, inputs, engine, on_work), plan) for engine in islice(cycle(engines), count)]


def _styling(plan: Plan, inputs: StyleInputs, engine: Engine, on_work: OnWork) -> Worker:
    worker = StyleWorker(plan, inputs, engine, on_work)
    return BarsWorker(worker) if plan.settings.bars == "keep" else worker


def _wrapped(worker: Worker, plan: Plan) -> Worker:
    worker = SideBySideWorker(worker) if plan.request.side_by_side else worker
    return worker if plan.insert is None else InsertWorker(worker)


class PassThrough:
    """Passes frames through as they are."""

    def stylize(
        self, frames: Iterable[TrackedFrame], state: SegmentState | None, *, opens_job: bool = False
    ) -> Iterator[Stylized]:
        yield from (UntouchedFrame(frame.frame) for frame in frames)
        yield SegmentEnd(None)

    def stream(self) -> AbstractContextManager[None]:
        return nullcontext()


class StyleWorker:
    """Optimizes frames on one device.

    Args:
        plan: Of the job.
        inputs: Its images.
        engine: The network.
        on_work: Called after every optimizer step with its cost, in steps at full size.

    """

    def __init__(self, plan: Plan, inputs: StyleInputs, engine: Engine, on_work: OnWork) -> None:
        from videostyle.style.stylizer import Stylizer

        self._device, self._keeps_state = engine.device, not plan.settings.independent
        self._attention_map = plan.request.attention_map
        self._may_replace = plan.request.overwrite or plan.request.resume
        self._stylizer: Stylizer = Stylizer(
            plan.settings,
            engine.network,
            inputs.styles,
            engine.device,
            on_work,
            masks=inputs.masks,
            init=inputs.init,
        )

    def stylize(
        self, frames: Iterable[TrackedFrame], state: SegmentState | None, *, opens_job: bool = False
    ) -> Iterator[Stylized]:
        neighbours, frames = pop_insert_start(frames)
        start = self._restored(state) if neighbours is None else self._state_of(neighbours)
        left: State | None = None
        for stylized in self._stylizer.stylize(self._mapped(frames) if opens_job else frames, start):
            left = stylized.state
            yield RestyledFrame(stylized, self._keeps_state)
        yield SegmentEnd(segment_state(left) if left is not None and self._keeps_state else None)

    def stream(self) -> AbstractContextManager[None]:
        from videostyle.style.device import own_stream

        return own_stream(self._device)

    def _restored(self, state: SegmentState | None) -> State | None:
        return None if state is None else tensor_state(state, self._device)

    def _state_of(self, neighbours: FinishedNeighbours) -> State:
        return self._stylizer.state_from_frames(
            neighbours.opening,
            neighbours.finished,
            neighbours.previous,
            neighbours.fades,
            neighbours.opening_fade,
        )

    def _mapped(self, frames: Iterable[TrackedFrame]) -> Iterator[TrackedFrame]:
        """Pass frames on; write what stands out in the first one as an image, if that was asked for."""
        for number, frame in enumerate(frames):
            if number == 0 and self._attention_map is not None:
                salience = self._stylizer.salience(frame.frame.pixels)
                write_attention_map(self._attention_map, salience, replace=self._may_replace)
            yield frame


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


class BarsWorker:
    """Has another worker stylize what lies between the bars of each shot."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

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

    def stream(self) -> AbstractContextManager[None]:
        return self._worker.stream()


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
class SideBySideFrame:
    """A finished frame with its content to the left."""

    finished: FinishedFrame

    @property
    def content(self) -> Frame:
        return self.finished.content

    @property
    def frame(self) -> Frame:
        frame = self.finished.frame
        alpha = None if frame.alpha is None else np.hstack([frame.alpha, frame.alpha])
        return replace(frame, pixels=np.hstack([self.content.pixels, frame.pixels]), alpha=alpha)

    @property
    def losses(self) -> dict[str, float]:
        return self.finished.losses

    @property
    def left(self) -> SegmentState | None:
        return self.finished.left


class SideBySideWorker:
    """Puts the content to the left of what another worker makes of it."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def stylize(
        self, frames: Iterable[TrackedFrame], state: SegmentState | None, *, opens_job: bool = False
    ) -> Iterator[Stylized]:
        for stylized in self._worker.stylize(frames, state, opens_job=opens_job):
            yield stylized if isinstance(stylized, SegmentEnd) else SideBySideFrame(stylized)

    def stream(self) -> AbstractContextManager[None]:
        return self._worker.stream()


@dataclass(frozen=True, eq=False)
class CrossfadedFrame:
    """A finished frame that goes over from the old look into the new one."""

    finished: FinishedFrame
    old: OldLook

    @property
    def content(self) -> Frame:
        return self.finished.content

    @property
    def frame(self) -> Frame:
        return mix(self.old, self.finished.frame)

    @property
    def losses(self) -> dict[str, float]:
        return self.finished.losses

    @property
    def left(self) -> SegmentState | None:
        return self.finished.left


class InsertWorker:
    """Leaves unchanged frames as they are, has another worker stylize those between, and mixes old looks with new."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

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

    def stream(self) -> AbstractContextManager[None]:
        return self._worker.stream()


def _noted(frames: Iterable[TrackedFrame], old: deque[OldLook | None]) -> Iterator[TrackedFrame]:
    """Pass frames on, and note what each looked like before."""
    for frame in frames:
        old.append(frame.old if isinstance(frame, RangeFrame) else None)
        yield frame


def write_attention_map(path: Path, salience: np.ndarray, *, replace: bool) -> None:
    """Write (H, W) values in [0, 1] as a gray image."""
    levels = (salience * 255).round().astype(np.uint8)
    still.write_still(path, np.repeat(levels[..., None], 3, axis=2), "attention", replace=replace)
