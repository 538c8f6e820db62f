"""Which segments need one another, so that those that do not may be made at once.

A scene is a run of segments from one border at a cut to the next. All that it needs of what went before it is the last
frame of an earlier shot, where one of its own shots returns to that setup.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import NamedTuple

from videostyle.frames import TrackedFrame
from videostyle.render.journal import STATES, Journal
from videostyle.render.prefetch import POLL_SECONDS, Cancellation
from videostyle.render.segments import in_segments
from videostyle.render.states import State, concerns, joined


class LostError(Exception):
    """What some segments left is needed and not there any more: they have to be made again."""

    def __init__(self, segments: range) -> None:
        super().__init__(segments)
        self.segments = segments


@dataclass(frozen=True, eq=False)
class Setup:
    """The last frame of a shot, which a later one may recall.

    Args:
        place: Of the frame in the source.
        segments: Numbers of the segments of its scene.
        left: What it leaves, once it is made; None says that the journal has it.

    """

    place: int
    segments: range
    left: Future[State | None] = field(default_factory=Future)


@dataclass(frozen=True, eq=False)
class Scene:
    """Segments that are made one after another.

    Args:
        first: Its first frame, counted from the first one of the job.
        place: The same frame, by its place in the source.
        lengths: Of its segments, in frames.
        segments: Their numbers.
        needs: Setups of earlier scenes that it returns to.
        setups: Its own.
        todo: The segments that are to be made.

    """

    first: int
    place: int
    lengths: Sequence[int]
    segments: range
    needs: tuple[Setup, ...]
    setups: tuple[Setup, ...]
    todo: range = range(0)

    def frames(self, segment: int) -> range:
        """Those of a segment, counted as `first` is."""
        before = segment - self.segments.start
        begin = self.first + sum(self.lengths[:before])
        return range(begin, begin + self.lengths[before])


class _Mark(NamedTuple):
    """What a step tells of where it belongs."""

    segment: int
    place: int
    opens: bool
    recalled: tuple[int, ...]


def find_scenes(steps: Iterable[TrackedFrame], *, cuts: bool) -> Iterator[Scene]:
    """The scenes of a film, in order, each as soon as it is over.

    Args:
        steps: All of them; only those that open a shot need to know what they recall.
        cuts: A step without motion is a new shot; otherwise every step stands alone.

    """
    from videostyle.motion.follow import SETUPS

    known: OrderedDict[int, Setup] = OrderedDict()
    first = 0
    for marks in _scenes(_marks(steps, cuts=cuts)):
        segments = range(marks[0].segment, marks[-1].segment + 1)
        setups = tuple(Setup(place, segments) for place in _last_of_shots(marks)) if cuts else ()
        recalled = {place for mark in marks for place in mark.recalled}
        needs = tuple(setup for place, setup in known.items() if place in recalled)
        lengths = list(Counter(mark.segment for mark in marks).values())
        yield Scene(first, marks[0].place, lengths, segments, needs, setups)
        known.update((setup.place, setup) for setup in setups)
        while len(known) > SETUPS:
            known.popitem(last=False)
        first += len(marks)


def _marks(steps: Iterable[TrackedFrame], *, cuts: bool) -> Iterator[_Mark]:
    for number, part in enumerate(in_segments(steps, cuts=cuts)):
        for step in part:
            opens = step.motion is None
            yield _Mark(number, step.frame.index, opens, tuple(r.index for r in step.references) if opens else ())


def _scenes(marks: Iterable[_Mark]) -> Iterator[list[_Mark]]:
    scene: list[_Mark] = []
    for mark in marks:
        if scene and mark.opens and mark.segment != scene[-1].segment:
            yield scene
            scene = []
        scene.append(mark)
    if scene:
        yield scene


def _last_of_shots(marks: Sequence[_Mark]) -> Iterator[int]:
    yield from (mark.place for mark, following in pairwise(marks) if following.opens)
    yield marks[-1].place


def undone(scene: Scene, journal: Journal) -> range:
    """The segments of a scene that are to be made: all that come after sound ones whose state is there."""
    done = len(list(takewhile(journal.done, scene.segments)))
    if done == len(scene.segments):
        for setup in scene.setups:
            setup.left.set_result(None)
        return range(0)
    while done and journal.state(scene.segments[done - 1]) is None:
        done -= 1
    return scene.segments[done:]


def begin(scene: Scene, segment: int, journal: Journal, stop: Cancellation, before: State) -> State:
    """What a segment starts from: what the one before it left, or what the first to be made of a scene needs.

    Raises:
        LostError: What it needs is not there any more.
        StoppedError: The job ended while an earlier scene was waited for.

    """
    if segment > scene.todo.start:
        return before
    if segment > scene.segments.start:
        state = journal.state(segment - 1)
        if state is None:
            raise LostError(scene.segments)
        return state
    return joined((_recalled(setup, scene, journal, stop) for setup in scene.needs), scene.place)


def _recalled(setup: Setup, scene: Scene, journal: Journal, stop: Cancellation) -> State:
    state = _awaited(setup.left, stop) or journal.recall(setup.place)
    exact = setup.place < scene.place - 1 or (state is not None and f"previous {setup.place} image" in state)
    if state is None or not exact:
        raise LostError(setup.segments)
    return state


def _awaited(left: Future[State | None], stop: Cancellation) -> State | None:
    while True:
        stop.check()
        with suppress(TimeoutError):
            return left.result(timeout=POLL_SECONDS)


def leave(scene: Scene, segment: int, state: State) -> None:
    """Hand on what the last segment of a scene left, to those that wait for it."""
    if segment == scene.segments[-1]:
        for setup in scene.setups:
            setup.left.set_result({name: array for name, array in state.items() if concerns(name, setup.place)})


def outlived(last_segments: Sequence[int], done: Callable[[int], bool]) -> Callable[[int], bool]:
    """What tells of a segment whether nobody will ask for what it left any more.

    Args:
        last_segments: Of the scenes that are known so far, in order.
        done: Whether a segment is finished.

    """
    from videostyle.motion.follow import SETUPS

    def tell(number: int) -> bool:
        scene = bisect_left(last_segments, number)
        if scene == len(last_segments):
            return False
        last = last_segments[scene]
        later = last_segments[scene + 1 : scene + 1 + SETUPS]
        newer = number + STATES
        if newer <= last and done(newer):
            return True
        return done(last) and len(later) == SETUPS and all(done(other) for other in later)

    return tell
