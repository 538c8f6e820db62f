"""Blend an insert edit with the finished frames on either side.

The first new frame starts from the finished one before it, as any frame does. The last new ones are drawn towards the
finished one after them, the more the nearer it is: what it shows, moved back along the flow, takes the place of what
the previous frame shows, in their start and in their temporal term (a blend with neighbours of both sides, as in the
multi-pass scheme of Ruder et al. 2016, arXiv:1604.08610, § 5.3). Nothing is held together across a cut, nor with frames
of another look.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from videostyle.frames import Fade, Motion, Pixels, Reference, TrackedFrame
from videostyle.motion.flow import compose_flows
from videostyle.plan.edit import InsertEdit

BLEND_FRAMES = 8  # at the end of a range, drawn towards what comes after it

Measure = Callable[[Pixels, Pixels], Motion]


@dataclass(frozen=True, eq=False)
class FinishedNeighbours:
    """The finished frames that a range starts from.

    Args:
        opening: The frame of the source that the shot of the range's first frame began with.
        previous: Index of the finished frame before the range, or of the one after it if the range starts anew.
        finished: (H, W, 3) by index: finished frames that the range may refer to.
        fades: How far these have faded, by index.
        opening_fade: How far `opening` has.

    """

    opening: Pixels
    previous: int
    finished: Mapping[int, Pixels]
    fades: Mapping[int, Fade]
    opening_fade: Fade


@dataclass(frozen=True, eq=False)
class UnchangedFrame(TrackedFrame):
    """A frame that is finished and stays as it is."""


@dataclass(frozen=True, eq=False)
class OldLook:
    """What a frame of a range looked like before, and the share of the new look that it gets."""

    pixels: Pixels
    share: float


@dataclass(frozen=True, eq=False, kw_only=True)
class RangeFrame(TrackedFrame):
    """A frame of a range that has to do with finished ones.

    Args:
        neighbours: That the first frame starts from.
        old: Of a frame that goes over from one look into the other.

    """

    neighbours: FinishedNeighbours | None = None
    old: OldLook | None = None

    @classmethod
    def of(cls, frame: TrackedFrame, **more: Any) -> RangeFrame:
        """Add to a frame what it has to do with."""
        return replace(frame, **more) if isinstance(frame, cls) else cls(**vars(frame), **more)


def insert_frames(
    edit: InsertEdit,
    frames: Iterable[TrackedFrame],
    first: int,
    size: tuple[int, int],
    written: tuple[int, int],
    measure: Measure,
) -> Iterator[TrackedFrame]:
    """Yield the frames to be encoded: unchanged ones outside the range, and its own as its ends ask for it.

    Args:
        edit: Which frames.
        frames: From the first frame of the output on, with motion from index `first` or the range's first on.
        first: Index of the first one to yield; those before are done.
        size: (width, height) of the frames.
        written: (width, height) of what is written.
        measure: Optical flow from an earlier and a later frame.

    """
    requested, stay = edit.requested, range(max(first, edit.reencoded.start), edit.reencoded.stop)
    head, tail = range(stay.start, requested.start), range(max(stay.start, requested.stop), stay.stop)
    unchanged = chain(edit.read(head), edit.read(tail))
    window: deque[TrackedFrame] = deque()
    shot = before = None
    fades: dict[int, Fade] = {}
    for frame in frames:
        index = frame.frame.index
        shot = frame if shot is None or frame.motion is None else shot
        fades[index] = frame.fade
        if index == requested.stop and edit.continues_after and frame.fade == Fade():
            window = deque(_blended_out(list(window), frame, first, measure))
        if index in requested:
            starts = index == requested.start
            window.append(_start(frame, before, shot, edit, size, fades) if starts else _refers_to_end(frame, edit))
        while window and (len(window) > BLEND_FRAMES or index >= requested.stop):
            yield from _from_first(window.popleft(), first)
        if index in head or index in tail:
            pixels = next(unchanged)[: written[1], : written[0]]
            yield UnchangedFrame(replace(frame.frame, pixels=pixels, alpha=None), frame.motion)
        before = frame
    for frame in window:
        yield from _from_first(frame, first)


def _from_first(frame: TrackedFrame, first: int) -> Iterator[TrackedFrame]:
    return iter([frame] if frame.frame.index >= first else [])


def _start(
    frame: TrackedFrame,
    before: TrackedFrame | None,
    shot: TrackedFrame,
    edit: InsertEdit,
    size: tuple[int, int],
    fades: Mapping[int, Fade],
) -> TrackedFrame:
    """The first frame of a range, with the finished frames that it may start from."""
    frame = _refers_to_end(frame if edit.continues_before else replace(frame, motion=None, references=()), edit)
    earlier = [before.frame.index, *before.retained] if edit.continues_before and before is not None else []
    indices = [*earlier, *([edit.requested.stop] if edit.continues_after else [])]
    if not indices:
        return frame
    finished = {index: edit.finished_frame(index, size) for index in set(indices)}
    known = {index: fades.get(index, Fade()) for index in finished}
    neighbours = FinishedNeighbours(shot.frame.pixels, indices[0], finished, known, shot.fade)
    return RangeFrame.of(frame, neighbours=neighbours)


def _refers_to_end(frame: TrackedFrame, edit: InsertEdit) -> TrackedFrame:
    """Retain the finished frame after the range as a reference."""
    return replace(frame, retained=(*frame.retained, edit.requested.stop)) if edit.continues_after else frame


def _blended_out(
    frames: Sequence[TrackedFrame], after: TrackedFrame, first: int, measure: Measure
) -> Iterator[TrackedFrame]:
    """The last frames of a range, each drawn more towards the finished frame after it, back to a cut at most.

    What that frame shows takes a share of the trust in the frames before, rising linearly.
    """
    cut = max((number for number, frame in enumerate([*frames, after]) if frame.motion is None), default=-1)
    yield from frames[: cut + 1]
    blended = frames[cut + 1 :]
    motions = _motions_from(after, blended, first, measure)
    for number, frame in enumerate(blended, 1):
        found = motions.get(frame.frame.index)
        share = number / (len(blended) + 1)
        yield frame if found is None else _drawn(frame, Reference(after.frame.index, found), share)


def _motions_from(
    after: TrackedFrame, frames: Sequence[TrackedFrame], first: int, measure: Measure
) -> dict[int, Motion]:
    """How each frame, down to index `first`, is seen from the one after all of them: back from frame to frame.

    Found from one neighbour to the next, so that errors change as slowly as the picture does.
    """
    found: dict[int, Motion] = {}
    for frame, following in zip(reversed(frames), [after, *reversed(frames)], strict=False):
        if frame.frame.index >= first:
            hop = measure(following.frame.pixels, frame.frame.pixels)
            far = found.get(following.frame.index)
            found[frame.frame.index] = hop if far is None else compose_flows(hop, far)
    return found


def _drawn(frame: TrackedFrame, later: Reference, share: float) -> TrackedFrame:
    """A frame that trusts a later one by a share, where it can be trusted, and earlier ones by what is left."""
    if frame.motion is None:
        return frame
    seen = share * later.motion.mask
    motion = Motion(frame.motion.flow, frame.motion.mask * (1 - seen))
    references = (Reference(r.index, Motion(r.motion.flow, r.motion.mask * (1 - seen))) for r in frame.references)
    drawn = Reference(later.index, Motion(later.motion.flow, seen))
    return replace(frame, motion=motion, references=(*references, drawn))


def pop_insert_start(
    frames: Iterable[TrackedFrame],
) -> tuple[FinishedNeighbours | None, Iterator[TrackedFrame]]:
    """The finished frames that the first of `frames` starts from, if it is the first of a range; and all frames."""
    rest = iter(frames)
    first = next(rest, None)
    neighbours = first.neighbours if isinstance(first, RangeFrame) else None
    return neighbours, chain([] if first is None else [first], rest)
