"""All segments rendered by threads of this process: decode and flow ∥ optimize ∥ encode, for each worker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

from videostyle.journal.journal import Journal
from videostyle.journal.state import SegmentState
from videostyle.plan.plan import Plan
from videostyle.render.borders import Segment
from videostyle.render.finished import FinishedFrame, SegmentEnd, Stylized, Worker
from videostyle.render.outputs import Output
from videostyle.render.progress import FrameReport, Progress
from videostyle.render.schedule import Schedule
from videostyle.render.segment import SegmentResult, SegmentTask, encode_segment, stylize_segment
from videostyle.render.steps import FrameReader, segments_of
from videostyle.render.threads import JOIN_TIMEOUT, Cancellation, merged, prefetch
from videostyle.render.timing import StageTimer

AHEAD = 4  # segments that are known before they are rendered, for each worker


@dataclass(frozen=True, eq=False)
class Job:
    """What the threads of a job share."""

    plan: Plan
    output: Output
    journal: Journal
    timers: list[StageTimer]
    cancellation: Cancellation

    def timer(self) -> StageTimer:
        """A clock for the threads of one worker."""
        self.timers.append(StageTimer())
        return self.timers[-1]


def render_locally(job: Job, workers: Sequence[Worker], progress: Progress) -> Iterator[FrameReport]:
    """Render the segments that are not finished; each counts as soon as its packets are complete."""
    segments = prefetch(segments_of(job.plan, job.timer()), job.cancellation, AHEAD * len(workers))
    schedule = Schedule(segments, job.journal, job.cancellation)
    began = time.monotonic()
    lines = [_line(job, schedule, worker, quiet=number > 0) for number, worker in enumerate(workers)]
    with closing(merged(lines, job.cancellation, grace=2 * JOIN_TIMEOUT)) as finished:
        for segment, item in finished:
            if isinstance(item, SegmentResult):
                job.journal.publish(segment.number, item.frames, item.state, schedule.is_obsolete)
                schedule.published(segment.number)
                continue
            if item.content.index == segment.index and not segment.continues:
                progress.on_shot(segment.index)
            ended = time.monotonic()
            yield FrameReport(item.content.index, ended - began, item.losses)
            began = ended
    job.journal.conclude()


def _line(
    job: Job, schedule: Schedule, worker: Worker, *, quiet: bool
) -> Iterator[tuple[Segment, FinishedFrame | SegmentResult]]:
    """Encode what one worker stylizes, a segment after another."""
    timer = job.timer()
    stylized = timer.timed("optimize", _stylized(job, schedule, worker, timer, quiet=quiet), within="wait")
    with closing(prefetch(timer.handing("hold", stylized), job.cancellation)) as ready:
        for task, first in ready:
            segment = chain([first], (item for _, item in ready))  # encoding ends where the segment does
            for item in encode_segment(task, segment, job.output, timer):
                yield task.segment, item


def _stylized(
    job: Job, schedule: Schedule, worker: Worker, timer: StageTimer, *, quiet: bool
) -> Iterator[tuple[SegmentTask, Stylized]]:
    """Stylize segments as long as there are some that can be."""
    with closing(FrameReader(job.plan, timer, job.cancellation, quiet=quiet)) as reader, worker.stream():
        while (found := schedule.take()) is not None:
            segment, state = found
            task = _task(job, segment, state)
            for item in stylize_segment(task, worker, reader):
                if isinstance(item, SegmentEnd):
                    schedule.leave(segment, item.state)
                yield task, item


def _task(job: Job, segment: Segment, state: SegmentState | None) -> SegmentTask:
    packets = job.journal.draft(segment.number)
    if not job.plan.keeps_frames:
        return SegmentTask(job.plan, segment, state, packets)
    drafts = job.journal.drafts(segment.number)
    return SegmentTask(job.plan, segment, state, packets, drafts, drafts.read())
