"""A film made: its segments one after another, or several shots at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.frames import Span, TrackedFrame
from videostyle.media import masks, sequence
from videostyle.media.clip import Clip
from videostyle.media.reader import read_frames
from videostyle.render.engine import Hand
from videostyle.render.journal import STATES, Journal
from videostyle.render.line import Closed, Made, Part, stylized, work
from videostyle.render.plan import Plan
from videostyle.render.prefetch import JOIN_TIMEOUT, Cancellation, merged, prefetch, shared
from videostyle.render.result import Result
from videostyle.render.scenes import Scene, begin, find_scenes, leave, outlived, undone
from videostyle.render.seams import taken_up
from videostyle.render.segments import in_segments
from videostyle.render.stages import Stages

if TYPE_CHECKING:
    from videostyle.motion.follow import MotionFilter


@dataclass(frozen=True)
class FrameReport:
    """A frame that is finished and handed to the encoder.

    Args:
        index: Its place in the source.
        seconds: Since the frame that was finished before it, or since the beginning.
        losses: What was left of each loss, weighted, by name; empty where no step was taken.

    """

    index: int
    seconds: float
    losses: dict[str, float]


OnFrame = Callable[[FrameReport], object]


@dataclass(frozen=True, eq=False)
class Job:
    """A film to be made, and what its threads share."""

    plan: Plan
    clip: Clip
    result: Result
    journal: Journal
    stages: list[Stages]
    stop: Cancellation

    @property
    def alone(self) -> bool:
        """No frame needs another one."""
        return self.plan.settings.independent or self.plan.untouched

    @property
    def span(self) -> Span:
        """The frames of the source to be read."""
        return self.plan.request.span if self.plan.patch is None else self.plan.patch.reach

    def timer(self) -> Stages:
        """A clock for the threads of one line."""
        self.stages.append(Stages())
        return self.stages[-1]


def render(job: Job, hands: Sequence[Hand], on_frame: OnFrame) -> None:
    """Make the segments that are not done yet; each is kept as soon as it is made."""
    last_segments: list[int] = []
    lines = _scattered(job, hands, last_segments) if job.journal.scattered else [_in_order(job, hands[0])]
    began, journal = time.monotonic(), job.journal
    with closing(merged(lines, job.stop, grace=2 * JOIN_TIMEOUT)) as found:
        for made in found:
            if isinstance(made, Made):
                ended = time.monotonic()
                on_frame(FrameReport(made.content.index, ended - began, made.losses()))
                began = ended
            else:
                journal.publish(made.number, made.frames, made.state, _outlived(journal, last_segments, made.number))
    journal.conclude()


def _outlived(journal: Journal, last_segments: Sequence[int], newest: int) -> Callable[[int], bool]:
    """What tells whose state nobody needs any more."""
    if journal.scattered:
        return outlived(last_segments, journal.done)
    return lambda number: number <= newest - STATES


def _in_order(job: Job, hand: Hand) -> Iterator[Made | Closed]:
    """One segment after another."""
    stages = job.timer()
    return work(stylized(_parts(job, stages), hand.stylize), job.result, job.journal, stages, job.stop)


def _parts(job: Job, stages: Stages) -> Iterator[Part]:
    """The segments after those that are done."""
    journal = job.journal
    done, first = journal.frames, len(journal.segments)
    state = journal.state(first - 1) if first else {}
    ahead = prefetch(_steps_left(job, stages, done), job.stop)
    with closing(stages.timed("wait", ahead)) as steps:
        for number, part in enumerate(in_segments(steps, cuts=not job.alone), first):
            yield Part(number, part, (lambda _: state or {}) if number == first else (lambda left: left))


def _steps_left(job: Job, stages: Stages, done: int) -> Iterator[TrackedFrame]:
    """The steps after the first `done`; those are read as well, for what they tell of the others."""
    from videostyle.motion.flow import METHODS, estimate

    plan, patch = job.plan, job.plan.patch
    if patch is None:
        return islice(_steps(job, stages, done), done, None)
    first = patch.touched.start + done
    measure = partial(estimate, method=METHODS[plan.settings.flow], mask=plan.settings.flow_mask)
    return taken_up(patch, _steps(job, stages, first), first, plan.size, plan.written_size, measure)


def _scattered(job: Job, hands: Sequence[Hand], last_segments: list[int]) -> list[Iterator[Made | Closed]]:
    """Scenes side by side, one in each hand; the numbers of their last segments are noted as they are found."""
    take = shared(prefetch(_scenes(job, last_segments), job.stop, 2 * len(hands)))
    return [_line(job, hand, iter(take, None)) for hand in hands]


def _scenes(job: Job, last_segments: list[int]) -> Iterator[Scene]:
    """Those of the film that are not done yet."""
    steps = _steps(job, job.timer(), 0, lambda number, opens: opens)
    for scene in find_scenes(steps, cuts=not job.alone):
        last_segments.append(scene.segments[-1])
        todo = undone(scene, job.journal)
        if todo:
            yield replace(scene, todo=todo)


def _line(job: Job, hand: Hand, scenes: Iterator[Scene]) -> Iterator[Made | Closed]:
    """One scene after another, as long as there are any to take."""
    stages = job.timer()
    making = hand.apart(stylized(_scene_parts(job, stages, scenes), hand.stylize))
    return work(making, job.result, job.journal, stages, job.stop)


def _scene_parts(job: Job, stages: Stages, scenes: Iterator[Scene]) -> Iterator[Part]:
    ahead = prefetch(_scene_steps(job, stages, scenes), job.stop)
    with closing(stages.timed("wait", ahead)) as steps:
        for (scene, number), found in groupby(steps, lambda item: item[:2]):
            yield Part(
                number,
                (step for _, _, step in found),
                partial(begin, scene, number, job.journal, job.stop),
                partial(leave, scene, number),
            )


def _scene_steps(job: Job, stages: Stages, scenes: Iterator[Scene]) -> Iterator[tuple[Scene, int, TrackedFrame]]:
    """What is to be made of the scenes; the film is read once from beginning to end, with flow only where needed."""
    wanted, at = range(0), 0
    steps = _steps(job, stages, 0, lambda number, opens: number in wanted, quiet=True)
    for scene in scenes:
        for number in scene.todo:
            wanted = scene.frames(number)
            for step in islice(steps, wanted.start - at, wanted.stop - at):
                yield scene, number, step
            at = wanted.stop


def _steps(
    job: Job, stages: Stages, done: int, asked: MotionFilter | None = None, *, quiet: bool = False
) -> Iterator[TrackedFrame]:
    """All steps, with the motion of those after the first `done` that are asked for, and where each style goes."""
    plan = job.plan
    moving = _moving(job, stages, done, asked, quiet=quiet)
    found = in_regions(moving, plan.settings.content_masks, plan.size, job.span, quiet=quiet)
    return stages.timed("flow", found, within="decode")


def _moving(job: Job, stages: Stages, done: int, asked: MotionFilter | None, *, quiet: bool) -> Iterator[TrackedFrame]:
    from videostyle.motion.follow import every_frame, follow_motion, forget_motion, with_forward_motion

    plan, clip, settings = job.plan, job.clip, job.plan.settings
    read = sequence.read_frames if clip.is_sequence else read_frames
    frames = stages.timed("decode", read(clip, plan.size, job.span, quiet=quiet))
    if job.alone:
        return forget_motion(frames)
    moving = follow_motion(frames, settings.flow, settings.flow_mask, done, asked or every_frame)
    return with_forward_motion(moving, settings.flow, settings.flow_mask) if settings.passes > 1 else moving


def in_regions(
    steps: Iterable[TrackedFrame], paths: Sequence[str], size: tuple[int, int], span: Span, *, quiet: bool = False
) -> Iterator[TrackedFrame]:
    """The steps with where each style goes."""
    if not paths:
        yield from steps
        return
    planes = (masks.read_masks(Path(path), size, span, quiet=quiet) for path in paths)
    for step, *regions in zip(steps, *planes, strict=False):
        yield replace(step, regions=tuple(regions))
