"""Where a film is cut into segments: the unit of what is kept, and of what is lost when a job is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from videostyle.frames import Step

LENGTH = 24  # frames of a segment at most
SHORTEST = 8  # frames below which a cut does not end a segment


@dataclass(frozen=True, eq=False)
class Place:
    """One segment among those of a film.

    Args:
        fresh: It starts with a new shot, so that it needs nothing from the segment before.

    """

    fresh: bool


def in_segments(steps: Iterable[Step], *, cuts: bool) -> Iterator[tuple[Place, Iterator[Step]]]:
    """The steps, in order, a segment at a time: a shot, or a piece of a long one, or several very short ones.

    Borders depend on the frames alone, and on nothing before the last border.

    Args:
        steps: From the beginning of a segment on.
        cuts: A step without motion is a new shot; otherwise no step has any.

    """
    return groupby(steps, _places(cuts=cuts))


def _places(*, cuts: bool) -> Callable[[Step], Place]:
    place, length = Place(fresh=True), 0

    def find(step: Step) -> Place:
        nonlocal place, length
        new_shot = cuts and step.motion is None
        if length in (0, LENGTH) or (new_shot and length >= SHORTEST):
            place, length = Place(step.motion is None), 0
        length += 1
        return place

    return find
