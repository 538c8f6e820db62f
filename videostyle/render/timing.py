"""Where the time of a job goes, stage by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

AHEAD = ("decode", "flow")  # in a thread that works ahead
LINE = ("wait", "optimize", "hold", "finish")  # one after another; waiting for those ahead, holding for the one behind
BEHIND = ("encode",)  # in a thread that works behind


class StageTimer:
    """Seconds spent in each stage; a stage belongs to one thread."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)

    @property
    def seconds(self) -> Mapping[str, float]:
        return {name: self._seconds[name] for name in (*AHEAD, *LINE, *BEHIND) if name in self._seconds}

    def timed(self, name: str, items: Iterable[T], within: str | None = None) -> Generator[T, None, None]:
        """The items, with the time it takes to make them counted as `name`, less what of it counts as `within`."""
        iterator = iter(items)
        try:
            while True:
                with self.timing(name, within):
                    try:
                        item = next(iterator)
                    except StopIteration:
                        return
                yield item
        finally:
            close: Callable[[], None] | None = getattr(iterator, "close", None)
            if close is not None:
                close()

    def handing(self, name: str, items: Iterable[T]) -> Generator[T, None, None]:
        """The items, with the time until the next one is asked for counted as `name`."""
        for item in items:
            with self.timing(name):
                yield item

    @contextmanager
    def timing(self, name: str, within: str | None = None) -> Iterator[None]:
        """Count the time of a block."""
        began, inner = time.perf_counter(), self._seconds[within or ""]
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self._seconds[name] += spent - (self._seconds[within or ""] - inner)


def summed(timers: Iterable[StageTimer]) -> Mapping[str, float]:
    """Seconds by stage of threads that worked side by side, added up."""
    found: defaultdict[str, float] = defaultdict(float)
    for timer in timers:
        for name, seconds in timer.seconds.items():
            found[name] += seconds
    return found


def overlap(seconds: Mapping[str, float]) -> float | None:
    """The share of the work ahead and behind that the optimizer did not have to wait for; None where there was none."""
    beside = sum(seconds.get(name, 0.0) for name in (*AHEAD, *BEHIND))
    idle = seconds.get("wait", 0.0) + seconds.get("hold", 0.0)
    return max(0.0, 1 - idle / beside) if beside else None
