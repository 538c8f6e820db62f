"""Crossfade an insert edit with the finished frames in its place: a range goes over into another look, and back.

Frames keep starting from each other as they do without it. What is shown is mixed when a frame is finished, in the
values that are stored, as an editor's dissolve does it. At a cut nothing goes on, and nothing is mixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from videostyle.frames import Frame, TrackedFrame, at_depth
from videostyle.plan.edit import InsertEdit
from videostyle.plan.identity import made_by
from videostyle.plan.plan import Plan
from videostyle.render.insert import OldLook, RangeFrame


def crossfaded(plan: Plan, edit: InsertEdit, frames: Iterable[TrackedFrame], first: int) -> Iterator[TrackedFrame]:
    """Add to the frames at the ends of a range what they looked like before, where the shot goes on there.

    Args:
        plan: Of the job.
        edit: Which frames.
        frames: From the first frame of the output on.
        first: Index of the first one that is needed; those before are done.

    """
    begin, end = edit.requested.start, edit.requested.stop
    opening, closing = range(begin, begin + edit.crossfade), range(end - edit.crossfade, end)
    old, waiting, fades_in = _old_looks(plan, edit, (opening, closing), first), list[TrackedFrame](), False
    for frame in frames:
        index, goes_on = frame.frame.index, plan.independent or frame.motion is not None
        if index == begin:
            fades_in = goes_on and begin > edit.held.start
        if index in closing:
            waiting.append(frame)
            continue
        if index == end:
            yield from (_with_old(each, old, first) if goes_on else each for each in waiting)
            waiting.clear()
        yield _with_old(frame, old, first) if index in opening and fades_in else frame
    yield from waiting


def _old_looks(plan: Plan, edit: InsertEdit, parts: Iterable[range], first: int) -> Iterator[tuple[int, OldLook]]:
    """Yield the finished frames of parts of a range from index `first` on, with their indices."""
    width, height = plan.written_size
    for part in parts:
        needed = range(max(first, part.start), part.stop)
        for index, pixels in zip(needed, edit.read(needed), strict=True):
            yield index, OldLook(pixels[:height, :width], _share(plan, edit, index))


def _share(plan: Plan, edit: InsertEdit, index: int) -> float:
    """The share of the new look in a frame: none in a picture that this very job has mixed before it was stopped."""
    if made_by(plan.job, edit.file(index)):
        return 0.0
    steps = min(index - edit.requested.start, edit.requested.stop - 1 - index) + 1
    return steps / (edit.crossfade + 1)


def _with_old(frame: TrackedFrame, old: Iterator[tuple[int, OldLook]], first: int) -> TrackedFrame:
    if frame.frame.index < first:
        return frame
    return RangeFrame.of(frame, old=next(look for index, look in old if index == frame.frame.index))


def mix(old: OldLook, frame: Frame) -> Frame:
    """A frame in its new look, mixed with its old one."""
    new = frame.pixels.astype(np.float32)
    before = at_depth(old.pixels, frame.pixels.dtype.type)
    mixed = before + np.float32(old.share) * (new - before)
    return replace(frame, pixels=mixed.round().astype(frame.pixels.dtype))
