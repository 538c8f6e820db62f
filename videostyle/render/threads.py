"""Work in threads of their own behind bounded queues: all of them run at once, and end together at the first error."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from videostyle import interrupt

T = TypeVar("T")

NAME = "videostyle"  # of the threads
DEPTH = 4  # items that wait between two threads
POLL_SECONDS = 0.05  # until a thread that waits looks whether the job was cancelled
CAUSE_TIMEOUT = 5.0  # seconds to wait for the exception that cancelled a job
JOIN_TIMEOUT = 0.25  # seconds that threads get to end; one inside a library's long call ends after that call


class CancelledError(Exception):
    """Internal: unwinds the other threads after a failure."""


@dataclass(frozen=True, eq=False)
class Cancellation:
    """Ends every thread of a job, or of a part of it."""

    _cancelled: threading.Event = field(default_factory=threading.Event)
    _causes: queue.Queue[BaseException] = field(default_factory=queue.Queue)
    _parent: Cancellation | None = None

    def cancel(self, cause: BaseException) -> None:
        """End all threads; the first cause counts that is no consequence of another."""
        if not isinstance(cause, (GeneratorExit, CancelledError)):
            self._causes.put(cause)
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set() or (self._parent is not None and self._parent.cancelled)

    def child(self) -> Cancellation:
        """The cancellation of a part: it ends with the whole, and may end alone."""
        return Cancellation(_parent=self)

    def cause(self) -> BaseException:
        """The first exception; waits up to `CAUSE_TIMEOUT` for one that is being reported."""
        try:
            return self._causes.get(timeout=CAUSE_TIMEOUT)
        except queue.Empty:
            return CancelledError("a thread ended without a cause")

    def check(self) -> None:
        """Stop here if the job was cancelled.

        Raises:
            CancelledError: It was.
            Interrupted: A signal asks for it.

        """
        try:
            interrupt.check()
        except interrupt.Interrupted as signal:
            self._whole().cancel(signal)  # a part's thread may hear it while the others are inside a long frame
            raise
        if self.cancelled:
            raise CancelledError

    def _whole(self) -> Cancellation:
        return self if self._parent is None else self._parent._whole()


@contextmanager
def cancel_scope() -> Iterator[Cancellation]:
    """End all threads of this block at the first error, and raise that."""
    stop = Cancellation()
    try:
        yield stop
    except CancelledError:
        raise stop.cause() from None
    except BaseException as error:
        stop.cancel(error)
        raise


@dataclass(frozen=True)
class _End:
    """A stream is over."""


def prefetch(items: Iterable[T], stop: Cancellation, depth: int = DEPTH) -> Generator[T, None, None]:
    """Yield `items` in order, made in a thread up to `depth` ahead; see `merged`."""
    return merged([items], stop, depth)


def merged(
    streams: Iterable[Iterable[T]], stop: Cancellation, depth: int = DEPTH, grace: float = JOIN_TIMEOUT
) -> Generator[T, None, None]:
    """Yield the items of all streams as they come, those of each in order and made in a thread of its own.

    Closing the generator before its end stops everything, as an error in any thread does.

    Args:
        streams: What is made; each is closed in its thread.
        stop: Of the job.
        depth: How many items may wait.
        grace: Seconds that the threads get to end.

    Raises:
        CancelledError: Something else has failed.

    """
    ready: queue.Queue[T | _End] = queue.Queue(depth)
    threads = [threading.Thread(target=_fill, args=(stream, ready, stop), daemon=True, name=NAME) for stream in streams]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            item = _taken(ready, stop)
            if isinstance(item, _End):
                running -= 1
            else:
                yield item
    except BaseException as error:
        stop.cancel(error)
        raise
    finally:
        _join(threads, grace)


def _join(threads: Iterable[threading.Thread], grace: float) -> None:
    until = time.monotonic() + grace
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def _fill(items: Iterable[T], ready: queue.Queue[T | _End], stop: Cancellation) -> None:
    try:
        for item in items:
            _put(ready, item, stop)
        _put(ready, _End(), stop)
    except BaseException as error:
        stop.cancel(error)
    finally:
        _close(items, stop)


def _close(items: Iterable[T], stop: Cancellation) -> None:
    close: Callable[[], None] | None = getattr(items, "close", None)
    try:
        if close is not None:
            close()
    except BaseException as error:
        stop.cancel(error)


def _put(ready: queue.Queue[T | _End], item: T | _End, stop: Cancellation) -> None:
    while True:
        stop.check()
        try:
            return ready.put(item, timeout=POLL_SECONDS)
        except queue.Full:
            continue


def _taken(ready: queue.Queue[T | _End], stop: Cancellation) -> T | _End:
    while True:
        stop.check()
        try:
            return ready.get(timeout=POLL_SECONDS)
        except queue.Empty:
            continue


def shared(items: Iterable[T]) -> Callable[[], T | None]:
    """A way for several threads to take the next item each; None when there are no more."""
    iterator, lock = iter(items), threading.Lock()

    def take() -> T | None:
        with lock:
            return next(iterator, None)

    return take
