"""One segment rendered: a value goes in, packets and a value come out, here or in any other process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from videostyle.journal.journal import disk_errors
from videostyle.journal.state import SegmentState
from videostyle.plan.plan import Plan
from videostyle.render.borders import Segment
from videostyle.render.outputs import Output
from videostyle.render.steps import FrameReader
from videostyle.render.timing import StageTimer
from videostyle.render.worker import FinishedFrame, SegmentEnd, Stylized, Worker


@dataclass(frozen=True, eq=False)
class SegmentTask:
    """A segment to be rendered: plain data, for another thread, process or machine.

    Args:
        plan: Of the job.
        segment: Which of its frames.
        state: What earlier segments left; None for a fresh start.
        packets: Where its packets go.

    """

    plan: Plan
    segment: Segment
    state: SegmentState | None
    packets: Path


@dataclass(frozen=True, eq=False)
class SegmentResult:
    """A segment whose packets are complete.

    Args:
        segment: Which.
        frames: How many it has.
        state: What it leaves to later segments.

    """

    segment: Segment
    frames: int
    state: SegmentState | None


def render_segment(
    task: SegmentTask,
    worker: Worker,
    reader: FrameReader,
    output: Output,
    on_frame: Callable[[FinishedFrame], object] = lambda frame: None,
) -> SegmentResult:
    """Render one segment from beginning to end."""
    with worker.stream():
        for item in encode_segment(task, stylize_segment(task, worker, reader), output, StageTimer()):
            if isinstance(item, SegmentResult):
                return item
            on_frame(item)
    raise AssertionError("a segment ends with its result")


def stylize_segment(task: SegmentTask, worker: Worker, reader: FrameReader) -> Iterator[Stylized]:
    """Yield the frames of a segment as the worker has them stylized, and then the segment's end."""
    return worker.stylize(reader.read(task.segment), task.state, opens_job=task.segment.number == 0)


def encode_segment(
    task: SegmentTask, stylized: Iterable[Stylized], output: Output, timer: StageTimer
) -> Iterator[FinishedFrame | SegmentResult]:
    """Write a segment's packets; yield each frame once it is encoded, and then the result."""
    frames, state = 0, None
    with disk_errors(output.path), output.open_segment(task.packets) as sink:
        for item in stylized:
            if isinstance(item, SegmentEnd):
                state = item.state
                break
            with timer.timing("encode"):
                sink.write(item.frame)
            frames += 1
            yield item
    yield SegmentResult(task.segment, frames, state)
