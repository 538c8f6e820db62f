"""Workers: each stylizes the frames of one segment at a time, in one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videostyle.frames import Frame, TrackedFrame
from videostyle.journal.state import SegmentState
from videostyle.media.image import still
from videostyle.plan.plan import Plan
from videostyle.render.engine import AnyEngine, NetworkEngine, StyleInputs
from videostyle.render.finished import SegmentEnd, Stylized, UntouchedFrame, Worker
from videostyle.render.insert import FinishedNeighbours, pop_insert_start
from videostyle.render.states import exact_state, segment_state, tensor_state
from videostyle.render.wrap import BarsWorker, EnlargingWorker, InsertWorker, SideBySideWorker

if TYPE_CHECKING:
    import torch

    from videostyle.network.stylizer import NetworkStylizer
    from videostyle.style.state import State
    from videostyle.style.stylized import StylizedFrame
    from videostyle.style.stylizer import Stylizer

OnWork = Callable[[float], None]


def make_workers(plan: Plan, engines: Sequence[AnyEngine], on_work: OnWork, count: int = 1) -> list[Worker]:
    """So many workers, one after another on each engine; without engines, workers that pass pixels through."""
    if not engines:
        return [_wrapped(PassThrough(), plan)] * count
    inputs = StyleInputs.load(plan.request.styles, plan.settings)
    return [_wrapped(_styling(plan, inputs, engine, on_work), plan) for engine in islice(cycle(engines), count)]


def _styling(plan: Plan, inputs: StyleInputs, engine: AnyEngine, on_work: OnWork) -> Worker:
    worker = StyleWorker(plan, engine.device, _stylizer(plan, inputs, engine, on_work))
    return BarsWorker(worker) if plan.settings.bars == "keep" else worker


def _stylizer(plan: Plan, inputs: StyleInputs, engine: AnyEngine, on_work: OnWork) -> Stylizer | NetworkStylizer:
    from videostyle.network.stylizer import NetworkStylizer
    from videostyle.style.stylizer import Stylizer

    if isinstance(engine, NetworkEngine):
        return NetworkStylizer(plan.settings, engine.network, engine.header, engine.device, on_work)
    masks, init = inputs.masks, inputs.init
    return Stylizer(plan.settings, engine.network, inputs.styles, engine.device, on_work, masks=masks, init=init)


def _wrapped(worker: Worker, plan: Plan) -> Worker:
    worker = EnlargingWorker(worker, plan.shown_size) if plan.shown_size != plan.size else worker
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
    """Restyles frames on one device.

    Args:
        plan: Of the job.
        device: To work on.
        stylizer: What restyles them.

    """

    def __init__(self, plan: Plan, device: torch.device, stylizer: Stylizer | NetworkStylizer) -> None:
        self._device, self._keeps_state = device, not plan.settings.independent
        self._attention_map = plan.request.attention_map
        self._may_replace = plan.request.overwrite or plan.request.resume
        self._stylizer = stylizer

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
        from videostyle.style.stylizer import Stylizer

        for number, frame in enumerate(frames):
            if number == 0 and self._attention_map is not None and isinstance(self._stylizer, Stylizer):
                salience = self._stylizer.salience(frame.frame.pixels)
                write_attention_map(self._attention_map, salience, replace=self._may_replace)
            yield frame


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


def write_attention_map(path: Path, salience: np.ndarray, *, replace: bool) -> None:
    """Write (H, W) values in [0, 1] as a gray image."""
    levels = (salience * 255).round().astype(np.uint8)
    still.write_still(path, np.repeat(levels[..., None], 3, axis=2), "attention", replace=replace)
