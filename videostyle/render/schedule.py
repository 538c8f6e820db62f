"""Which segment is rendered next: one whose needs are rendered, for whoever asks, in any thread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Condition, Lock

from videostyle.journal.journal import STATES, Journal
from videostyle.journal.state import SegmentState, merge_states
from videostyle.motion.follow import SETUPS
from videostyle.render.borders import Segment
from videostyle.render.threads import POLL_SECONDS, Cancellation


class Schedule:
    """Hands out the segments that are not finished, each with the state it starts from. Safe for several threads.

    A segment needs what the one before it in its shot group left, and what the groups left whose setups it returns
    to. A finished segment whose state is needed and lost is handed out again.

    Args:
        segments: All of the job's, in order; read as far as somebody asks.
        journal: What is finished.
        cancellation: Ends all waiting.

    """

    def __init__(self, segments: Iterator[Segment], journal: Journal, cancellation: Cancellation) -> None:
        self._source, self._journal, self._cancellation = segments, journal, cancellation
        self._known: list[Segment] = []
        self._group_ends: list[int] = []  # numbers of the last segments of the groups that are over
        self._waiting: set[int] = set()
        self._left: dict[int, SegmentState | None] = {}  # by segments whose packets are not complete yet
        self._changed, self._reading, self._all_known = Condition(), Lock(), False

    def take(self) -> tuple[Segment, SegmentState | None] | None:
        """Wait for a segment that can be rendered, and what it starts from; None if there will be no more.

        Raises:
            CancelledError: The job ended.

        """
        while True:
            with self._changed:
                self._cancellation.check()
                if (found := self._ready()) is not None:
                    return found
                if self._all_known and not self._waiting:
                    return None
            if not self._read_on():
                with self._changed:
                    self._changed.wait(POLL_SECONDS)

    def leave(self, segment: Segment, state: SegmentState | None) -> None:
        """Hand over what a segment left, as soon as its last frame is stylized."""
        with self._changed:
            self._left[segment.number] = state
            self._changed.notify_all()

    def published(self, number: int) -> None:
        """Say that the journal has what a segment left."""
        with self._changed:
            self._left.pop(number, None)
            self._changed.notify_all()

    def is_obsolete(self, number: int) -> bool:
        """Whether nobody will ask for what a finished segment left."""
        return is_obsolete(number, len(self._known), self._group_ends, self._journal.done)

    def _read_on(self) -> bool:
        """Learn of one more segment, or that there is none, while other threads go on; false if another one reads."""
        if self._all_known or not self._reading.acquire(blocking=False):
            return False
        try:
            segment = next(self._source, None)
            with self._changed:
                self._learn(segment)
            return True
        finally:
            self._reading.release()

    def _learn(self, segment: Segment | None) -> None:
        if self._known and (segment is None or not segment.continues) and self._ends_last() < self._known[-1].number:
            self._group_ends.append(self._known[-1].number)
        if segment is None:
            self._all_known = True
            return
        self._known.append(segment)
        if not self._journal.done(segment.number):
            self._waiting.add(segment.number)

    def _ends_last(self) -> int:
        return self._group_ends[-1] if self._group_ends else -1

    def _ready(self) -> tuple[Segment, SegmentState | None] | None:
        """The first waiting segment whose needs are there, with what it starts from; lost needs wait again."""
        for number in sorted(self._waiting):
            segment = self._known[number]
            if all(self._journal.done(need) or need in self._left for need in self._needs(segment)):
                states = {need: self._state(need) for need in self._needs(segment)}
                if lost := {need for need, state in states.items() if state is None and self._journal.left_state(need)}:
                    self._journal.drop(lost)
                    self._waiting |= lost
                    return self._ready()
                self._waiting.remove(number)
                return segment, self._start(segment, states)
        return None

    def _state(self, number: int) -> SegmentState | None:
        return self._left[number] if number in self._left else self._journal.state(number)

    def _needs(self, segment: Segment) -> list[int]:
        """Numbers of the segments whose state a segment starts from."""
        before = [segment.number - 1] if segment.continues else []
        return before + [self._producer(index) for index in self._earlier(segment)]

    def _earlier(self, segment: Segment) -> list[int]:
        """The references to frames of earlier groups; what its own group has comes along from segment to segment."""
        begin = self._known[segment.group].index
        return [index for index in segment.references if index < begin]

    def _producer(self, index: int) -> int:
        """The last segment of the group that has the frame with an index in the source."""
        inside = bisect_left(self._known, index + 1, key=lambda segment: segment.index) - 1
        return self._group_ends[bisect_left(self._group_ends, inside)]

    def _start(self, segment: Segment, states: Mapping[int, SegmentState | None]) -> SegmentState | None:
        """What a segment starts from."""
        base = states[segment.number - 1] if segment.continues else None
        earlier = [(states[self._producer(index)], index) for index in self._earlier(segment)]
        recalled = [only for state, index in earlier if state is not None and (only := state.only(index)) is not None]
        return merge_states(base, recalled, segment.index)


def is_obsolete(number: int, known: int, group_ends: Sequence[int], done: Callable[[int], bool]) -> bool:
    """Whether nobody will ask for what a finished segment left.

    Args:
        number: Of the segment.
        known: How many segments are known so far.
        group_ends: Numbers of the last segments of the shot groups that are over, in order.
        done: Whether a segment is finished.

    """
    group = bisect_left(group_ends, number)
    last = group_ends[group] if group < len(group_ends) else known - 1
    if number + STATES <= last:
        return done(number + STATES)
    later = group_ends[group + 1 : group + 1 + SETUPS]
    return done(last) and len(later) == SETUPS and all(done(other) for other in later)
