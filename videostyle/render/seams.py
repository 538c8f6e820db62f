"""The seams of a range that is made anew in a finished film: how nobody sees where it begins and ends.

The first new frame follows the finished one before it, as any frame does. The last new ones are drawn towards the
finished one after them, the more the nearer it is: what it shows, moved back along the flow, takes the place of what
the previous frame shows, in their start and in their temporal term (a blend with neighbours of both sides, as in the
multi-pass scheme of Ruder et al. 2016, arXiv:1604.08610, § 5.3). Nothing is held together across a cut, nor with frames
of another look.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain

from videostyle.frames import Fade, Motion, Pixels, Reference, TrackedFrame
from videostyle.render.into import Patch

LEADING = 8  # frames at the end of a range that are drawn towards what comes after it

Measure = Callable[[Pixels, Pixels], Motion]


@dataclass(frozen=True, eq=False)
class Past:
    """What a range finds done.

    Args:
        opening: The frame of the source that the shot of its first frame began with.
        previous: Place of the finished frame before it, or of any if it follows none.
        finished: (H, W, 3) by place: finished frames that its own may follow.
        fades: That these are in, by place.
        first: That `opening` is in.

    """

    opening: Pixels
    previous: int
    finished: Mapping[int, Pixels]
    fades: Mapping[int, Fade]
    first: Fade


@dataclass(frozen=True, eq=False)
class Kept(TrackedFrame):
    """A step whose frame is finished and stays as it is."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Entry(TrackedFrame):
    """The first step of a range."""

    past: Past


def taken_up(
    patch: Patch,
    steps: Iterable[TrackedFrame],
    first: int,
    size: tuple[int, int],
    written: tuple[int, int],
    measure: Measure,
) -> Iterator[TrackedFrame]:
    """The steps of the frames that are touched: `Kept` ones outside the range, and its own as its ends ask for it.

    Args:
        patch: What to make.
        steps: From the first frame of the source on, with motion from place `first` or the range's first on.
        first: The place of the first one to yield; those before are done.
        size: (width, height) of the frames.
        written: The same of what is written.
        measure: Flow; of an earlier and a later picture.

    """
    wanted, stay = patch.wanted, range(max(first, patch.touched.start), patch.touched.stop)
    head, tail = range(stay.start, wanted.start), range(max(stay.start, wanted.stop), stay.stop)
    kept = chain(patch.finished.read(head), patch.finished.read(tail))
    window: deque[TrackedFrame] = deque()
    shot = before = None
    fades: dict[int, Fade] = {}
    for step in steps:
        place = step.frame.index
        shot = step if shot is None or step.motion is None else shot
        fades[place] = step.fade
        if place == wanted.stop and patch.leads and step.fade == Fade():
            window = deque(_led(list(window), step, first, measure))
        if place in wanted:
            window.append(
                _entered(step, before, shot, patch, size, fades) if place == wanted.start else _known(step, patch)
            )
        while window and (len(window) > LEADING or place >= wanted.stop):
            yield from _due(window.popleft(), first)
        if place in head or place in tail:
            pixels = next(kept)[: written[1], : written[0]]
            yield Kept(replace(step.frame, pixels=pixels, alpha=None), step.motion)
        before = step
    for step in window:
        yield from _due(step, first)


def _due(step: TrackedFrame, first: int) -> Iterator[TrackedFrame]:
    return iter([step] if step.frame.index >= first else [])


def _entered(
    step: TrackedFrame,
    before: TrackedFrame | None,
    shot: TrackedFrame,
    patch: Patch,
    size: tuple[int, int],
    fades: Mapping[int, Fade],
) -> TrackedFrame:
    """The first step of a range, with the finished frames that are there to follow."""
    step = _known(step if patch.follows else replace(step, motion=None, references=()), patch)
    earlier = [before.frame.index, *before.retained] if patch.follows and before is not None else []
    places = [*earlier, *([patch.wanted.stop] if patch.leads else [])]
    if not places:
        return step
    finished = {place: patch.picture(place, size) for place in set(places)}
    past = Past(shot.frame.pixels, places[0], finished, {at: fades.get(at, Fade()) for at in finished}, shot.fade)
    return Entry(**{f.name: getattr(step, f.name) for f in fields(TrackedFrame)}, past=past)


def _known(step: TrackedFrame, patch: Patch) -> TrackedFrame:
    """A step after which the finished frame that follows the range is not forgotten."""
    return replace(step, retained=(*step.retained, patch.wanted.stop)) if patch.leads else step


def _led(steps: Sequence[TrackedFrame], after: TrackedFrame, first: int, measure: Measure) -> Iterator[TrackedFrame]:
    """The last steps of a range, each drawn more towards the finished frame after it, back to a cut at most.

    What that frame shows takes a share of the trust in the frames before, rising in a line.
    """
    cut = max((number for number, step in enumerate([*steps, after]) if step.motion is None), default=-1)
    yield from steps[: cut + 1]
    leading = steps[cut + 1 :]
    motions = _back(leading, after, first, measure)
    for number, step in enumerate(leading, 1):
        found = motions.get(step.frame.index)
        share = number / (len(leading) + 1)
        yield step if found is None else _drawn(step, Reference(after.frame.index, found), share)


def _back(steps: Sequence[TrackedFrame], after: TrackedFrame, first: int, measure: Measure) -> dict[int, Motion]:
    """How each frame, down to place `first`, is seen from the one after all of them: back from frame to frame.

    Found from one neighbour to the next, so that what is wrong changes as slowly as the picture does.
    """
    from videostyle.motion.flow import compose_flows

    found: dict[int, Motion] = {}
    for step, following in zip(reversed(steps), [after, *reversed(steps)], strict=False):
        if step.frame.index >= first:
            hop = measure(following.frame.pixels, step.frame.pixels)
            far = found.get(following.frame.index)
            found[step.frame.index] = hop if far is None else compose_flows(hop, far)
    return found


def _drawn(step: TrackedFrame, later: Reference, share: float) -> TrackedFrame:
    """A step that trusts a later frame by a share, where it can be trusted, and its past by what is left."""
    if step.motion is None:
        return step
    seen = share * later.motion.mask
    motion = Motion(step.motion.flow, step.motion.mask * (1 - seen))
    references = (Reference(r.index, Motion(r.motion.flow, r.motion.mask * (1 - seen))) for r in step.references)
    return replace(
        step, motion=motion, references=(*references, Reference(later.index, Motion(later.motion.flow, seen)))
    )


def entry_of(steps: Iterable[TrackedFrame]) -> tuple[Past | None, Iterator[TrackedFrame]]:
    """What the first of the steps finds done, if it is the first of a range; and the steps."""
    rest = iter(steps)
    first = next(rest, None)
    past = first.past if isinstance(first, Entry) else None
    return past, chain([] if first is None else [first], rest)
