"""A line of work: decode and flow ∥ optimize ∥ encode, each in a thread of its own, a segment after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

from videostyle.frames import Frame, TrackedFrame
from videostyle.render.journal import Journal, told
from videostyle.render.prefetch import Cancellation, prefetch
from videostyle.render.result import Result
from videostyle.render.stages import Stages
from videostyle.render.states import State


@dataclass(frozen=True, eq=False)
class Part:
    """A segment to be made.

    Args:
        number: Its place among all.
        steps: Its steps, to be read before the next part is asked for.
        begin: What it starts from, given what the part before it in this line left.
        leave: Told what it leaves.

    """

    number: int
    steps: Iterator[TrackedFrame]
    begin: Callable[[State], State] = lambda state: state
    leave: Callable[[State], object] = lambda state: None


@dataclass(frozen=True, eq=False)
class Made:
    """A finished frame as the optimizer hands it on, without waiting for it to come from its device.

    Args:
        content: What it was made of.
        frame: Waits for the frame.
        losses: Waits for what was left of each loss on it, weighted, by name.
        state: Waits for what it leaves to the next frame.

    """

    content: Frame
    frame: Callable[[], Frame]
    losses: Callable[[], dict[str, float]]
    state: Callable[[], State]


@dataclass(frozen=True, eq=False)
class Closed:
    """A segment whose packets are complete: its number, how many frames it has, and what it leaves to the next one."""

    number: int
    frames: int
    state: State


Stylize = Callable[
    [int, Iterable[TrackedFrame], State], Iterator[Made]
]  # of a segment: its number, steps, what came before
Item = tuple[int, Made | State]


def stylized(parts: Iterable[Part], stylize: Stylize) -> Iterator[Item]:
    """The frames of each segment, and after them what they leave to the next one, each with the segment's number."""
    state = State()
    for part in parts:
        for made in stylize(part.number, part.steps, part.begin(state)):
            yield part.number, made
        state = made.state()
        part.leave(state)
        yield part.number, state


def work(
    making: Iterable[Item], result: Result, journal: Journal, stages: Stages, stop: Cancellation
) -> Iterator[Made | Closed]:
    """Make segments one after another; yields each frame when it is encoded, and each segment after its frames.

    Args:
        making: From `stylized`; is asked for its items in a thread of its own.
        result: Where to.
        journal: Which has a place for the packets of each segment.
        stages: For the time that each stage takes.
        stop: Of the job.

    """
    timed = stages.timed("optimize", making, within="wait")
    with closing(prefetch(stages.handing("hold", timed), stop)) as made:
        for first in made:
            yield from _encoded(chain([first], made), first[0], result, journal, stages)


def _encoded(
    made: Iterator[Item], number: int, result: Result, journal: Journal, stages: Stages
) -> Iterator[Made | Closed]:
    """The frames of a segment once they are encoded, and then the segment."""
    frames, left = 0, State()
    with told(journal.output), result.run(journal.draft(number)) as run:
        for _, found in made:
            if not isinstance(found, Made):
                left = found
                break
            with stages.timing("encode"):
                run.write(found.frame())
            frames += 1
            yield found
    yield Closed(number, frames, left)
