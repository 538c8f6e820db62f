"""One segment rendered: a value goes in, packets and a value come out, here or in any other process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from videostyle.journal.drafts import Draft, DraftFolder, round_state
from videostyle.journal.journal import disk_errors
from videostyle.journal.state import SegmentState
from videostyle.plan.plan import Plan
from videostyle.render.borders import Segment
from videostyle.render.finished import FinishedFrame, SegmentEnd, Stylized, UntouchedFrame, Worker
from videostyle.render.outputs import Output
from videostyle.render.steps import FrameReader
from videostyle.render.timing import StageTimer


@dataclass(frozen=True, eq=False)
class SegmentTask:
    """A segment to be rendered: plain data, for another thread, process or machine.

    Args:
        plan: Of the job.
        segment: Which of its frames.
        state: What earlier segments left; None for a fresh start.
        packets: Where its packets go.
        drafts: Where its finished frames are kept until the packets are complete; None where they are not.
        draft: Those that are kept already.

    """

    plan: Plan
    segment: Segment
    state: SegmentState | None
    packets: Path
    drafts: DraftFolder | None = None
    draft: Draft = Draft()


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


@dataclass(frozen=True, eq=False)
class KeptFinishedFrame(UntouchedFrame):
    """A frame that was finished before the job was stopped."""


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
    if task.drafts is None or not task.draft.frames:
        yield from worker.stylize(reader.read(task.segment), task.state, opens_job=task.segment.number == 0)
        return
    yield from (KeptFinishedFrame(frame) for frame in task.drafts.frames(task.draft))
    state, rest = task.drafts.state(task.draft, task.state), task.segment.after(len(task.draft.frames))
    if rest.frames:
        yield from worker.stylize(reader.read(rest), state)
    else:
        yield SegmentEnd(round_state(state))


def encode_segment(
    task: SegmentTask, stylized: Iterable[Stylized], output: Output, timer: StageTimer
) -> Iterator[FinishedFrame | SegmentResult]:
    """Write a segment's packets; yield each frame that was made once it is encoded, and then the result."""
    frames, state, draft = 0, None, task.draft
    with disk_errors(output.path), output.open_segment(task.packets) as sink:
        for item in stylized:
            if isinstance(item, SegmentEnd):
                state = item.state
                break
            is_new = not isinstance(item, KeptFinishedFrame)
            with timer.timing("encode"):
                if is_new and task.drafts is not None:
                    draft = task.drafts.add(draft, item.frame, item.left, task.state)
                sink.write(item.frame)
            frames += 1
            if is_new:
                yield item
    yield SegmentResult(task.segment, frames, state)
