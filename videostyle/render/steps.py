"""The frames of a job with their motion: what the stylizer works on."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from videostyle.frames import Frame, Span, TrackedFrame
from videostyle.media import masks
from videostyle.motion.flow import METHODS, estimate
from videostyle.motion.follow import MotionFilter, follow_motion, forget_motion, with_forward_motion
from videostyle.plan.plan import Plan
from videostyle.render.borders import Segment, find_segments
from videostyle.render.crossfade import crossfaded
from videostyle.render.insert import insert_frames
from videostyle.render.threads import Cancellation, CancelledError, prefetch
from videostyle.render.timing import StageTimer


class FrameReader:
    """Reads the frames of one segment after another; the next segment goes on where the last one ended.

    Args:
        plan: Of the job.
        timer: For decoding and flow, and for waiting for them.
        cancellation: Of the job; frames are read ahead in a thread.
        quiet: Another reader warns of what is wrong with masks.

    """

    def __init__(self, plan: Plan, timer: StageTimer, cancellation: Cancellation, *, quiet: bool = False) -> None:
        self._plan, self._timer, self._cancellation, self._quiet = plan, timer, cancellation, quiet
        self._reading = cancellation.child()
        self._frames: Generator[TrackedFrame, None, None] | None = None
        self._position = self._first_needed = 0

    def read(self, segment: Segment) -> Iterator[TrackedFrame]:
        """Yield the frames of a segment, with motion; frames before it that were not read yet are skipped."""
        if self._frames is None or segment.start < self._position:
            self.close()
            self._open(segment.start)
        self._first_needed = segment.start
        assert self._frames is not None
        try:
            yield from islice(self._frames, segment.start - self._position, segment.stop - self._position)
        except CancelledError:
            self._cancellation.check()
            raise self._reading.cause() from None
        self._position = segment.stop

    def close(self) -> None:
        """Stop reading."""
        if self._frames is not None:
            self._frames.close()
            self._frames, self._position = None, 0

    def _open(self, start: int) -> None:
        self._first_needed = start
        self._position = 0 if self._plan.insert is None else start
        frames = tracked_frames(self._plan, self._needs_motion, self._timer, start=start, quiet=self._quiet)
        self._reading = self._cancellation.child()
        self._frames = self._timer.timed("wait", prefetch(frames, self._reading))

    def _needs_motion(self, number: int, opens: bool) -> bool:
        return number >= self._first_needed


def segments_of(plan: Plan, timer: StageTimer) -> Iterator[Segment]:
    """Yield the segments of a job as the frames are read: a pass of its own, with hardly any optical flow."""
    one_group = plan.insert is not None and not plan.independent
    found = find_segments(_scanned(plan), cuts=not plan.independent, limits=plan.limits, one_group=one_group)
    return timer.timed("scan", found)


def _scanned(plan: Plan) -> Iterator[TrackedFrame]:
    """The frames to be encoded, with motion only where a shot opens, which may return to an earlier setup."""
    edit, untimed = plan.insert, StageTimer()
    if edit is None:
        yield from _followed(plan, plan.request.span, lambda number, opens: opens, untimed)
        return
    frames = _followed(plan, edit.source_span, lambda number, opens: False, untimed)
    places = edit.places(edit.reencoded)
    for frame in islice(frames, places.start, places.stop):
        starts_anew = frame.frame.index == edit.requested.start and not edit.continues_before
        yield replace(frame, motion=None) if starts_anew else frame


def tracked_frames(
    plan: Plan, needs_motion: MotionFilter, timer: StageTimer, *, start: int = 0, quiet: bool = False
) -> Iterator[TrackedFrame]:
    """Yield the frames of a job in order, with motion where it is needed, and where each style goes.

    Of an insert edit they begin at position `start`, of anything else at the first.

    Args:
        plan: Of the job.
        needs_motion: Which frames need it, by their number and whether they open a shot.
        timer: For decoding and flow.
        start: Position of the first frame that will be used.
        quiet: Another reader warns of what is wrong with masks; of the content, the pass before all does.

    """
    edit = plan.insert
    if edit is None:
        return _with_regions(plan, plan.request.span, needs_motion, timer, quiet=quiet)
    before = edit.places(edit.reencoded).start
    frames = _with_regions(
        plan, edit.source_span, lambda number, opens: needs_motion(number - before, opens), timer, quiet=quiet
    )
    measure = partial(estimate, method=METHODS[plan.settings.flow], mask=plan.settings.flow_mask)
    first = edit.reencoded.start + start
    frames = crossfaded(plan, edit, frames, first)
    return insert_frames(edit, frames, first, plan.size, plan.written_size, measure)


def _with_regions(
    plan: Plan, span: Span, needs_motion: MotionFilter, timer: StageTimer, *, quiet: bool
) -> Iterator[TrackedFrame]:
    frames = _followed(plan, span, needs_motion, timer, quiet=True)
    found = with_regions(frames, plan.settings.content_masks, plan.size, span, quiet=quiet)
    return timer.timed("flow", found, within="decode")


def _followed(
    plan: Plan, span: Span, needs_motion: MotionFilter, timer: StageTimer, *, quiet: bool = False
) -> Iterator[TrackedFrame]:
    settings = plan.settings
    frames: Iterable[Frame] = timer.timed("decode", plan.content.read_frames(plan.size, span, quiet=quiet))
    if plan.independent:
        return forget_motion(frames)
    followed = follow_motion(frames, settings.flow, settings.flow_mask, needs_motion)
    return with_forward_motion(followed, settings.flow, settings.flow_mask) if settings.passes > 1 else followed


def with_regions(
    frames: Iterable[TrackedFrame], paths: Sequence[str], size: tuple[int, int], span: Span, *, quiet: bool = False
) -> Iterator[TrackedFrame]:
    """Add to each frame the masks, one for each style, that say where the style goes."""
    if not paths:
        yield from frames
        return
    planes = (masks.read_masks(Path(path), size, span, quiet=quiet) for path in paths)
    for frame, *regions in zip(frames, *planes, strict=False):
        yield replace(frame, regions=tuple(regions))
