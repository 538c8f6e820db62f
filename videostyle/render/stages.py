"""Where the time of a job goes, stage by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

AHEAD = ("decode", "flow")  # in the thread that works ahead
BEHIND = ("wait", "optimize", "encode", "finish")  # one after another in the thread that shows; wait is for the other


class Stages:
    """Seconds spent in each stage of one job; a stage belongs to one thread."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)

    @property
    def seconds(self) -> Mapping[str, float]:
        return {name: self._seconds[name] for name in (*AHEAD, *BEHIND) if name in self._seconds}

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

    @contextmanager
    def timing(self, name: str, within: str | None = None) -> Iterator[None]:
        """Count the time of a block."""
        began, inner = time.perf_counter(), self._seconds[within or ""]
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self._seconds[name] += spent - (self._seconds[within or ""] - inner)


def overlap(seconds: Mapping[str, float]) -> float | None:
    """The share of the work ahead that nobody had to wait for; None where there was none."""
    ahead = sum(seconds.get(name, 0.0) for name in AHEAD)
    return max(0.0, 1 - seconds.get("wait", 0.0) / ahead) if ahead else None
