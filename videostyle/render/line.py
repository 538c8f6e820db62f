"""A line of work: decode and flow ∥ optimize ∥ encode, each in a thread of its own, a segment after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

from videostyle.frames import Frame, Step
from videostyle.render.journal import Journal, State, told
from videostyle.render.prefetch import Stop, prefetch
from videostyle.render.result import Result
from videostyle.render.stages import Stages


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


Stylize = Callable[[Iterable[Step], State], Iterator[Made]]
Parts = Iterator[tuple[int, Iterator[Step]]]  # the steps of segments, with their numbers
_Item = tuple[int, Made | State]


def work(
    parts: Parts, stylize: Stylize, state: State, result: Result, journal: Journal, stages: Stages, stop: Stop
) -> Iterator[Made | Closed]:
    """Make segments one after another; yields each frame when it is encoded, and each segment after its frames.

    Args:
        parts: What is to be made; read in the optimizer's thread.
        stylize: How.
        state: What the frame before the first one left.
        result: Where to.
        journal: Which has a place for the packets of each segment.
        stages: For the time that each stage takes.
        stop: Of the job.

    """
    making = stages.timed("optimize", _stylized(parts, stylize, state), within="wait")
    with closing(prefetch(stages.handing("hold", making), stop)) as made:
        for first in made:
            yield from _encoded(chain([first], made), first[0], result, journal, stages)


def _stylized(parts: Parts, stylize: Stylize, state: State) -> Iterator[_Item]:
    """The frames of each segment, and after them what they leave to the next one."""
    for number, steps in parts:
        for made in stylize(steps, state):
            yield number, made
        state = made.state()
        yield number, state


def _encoded(
    made: Iterator[_Item], number: int, result: Result, journal: Journal, stages: Stages
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
