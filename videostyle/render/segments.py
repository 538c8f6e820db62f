"""Where a film is cut into segments: the unit of what is kept, and of what is lost when a job is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from videostyle.frames import TrackedFrame

LENGTH = 24  # frames of a segment at most
SHORTEST = 8  # frames below which a cut does not end a segment


def in_segments(steps: Iterable[TrackedFrame], *, cuts: bool) -> Iterator[Iterator[TrackedFrame]]:
    """The steps, in order, a segment at a time: a shot, or a piece of a long one, or several very short ones.

    Borders depend on the frames alone, and on nothing before the last border.

    Args:
        steps: From the beginning of a segment on.
        cuts: A step without motion is a new shot; otherwise no step has any.

    """
    return (part for _, part in groupby(steps, _numbers(cuts=cuts)))


def _numbers(*, cuts: bool) -> Callable[[TrackedFrame], int]:
    """What gives each step, asked in order, the number of its segment."""
    number = length = 0

    def find(step: TrackedFrame) -> int:
        nonlocal number, length
        new_shot = cuts and step.motion is None
        if length == LENGTH or (new_shot and length >= SHORTEST):
            number, length = number + 1, 0
        length += 1
        return number

    return find
