"""Ctrl-C and SIGTERM: the first ends the work in order, the second leaves at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """Ctrl-C, or a request to terminate."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def heed_signals() -> None:
    """The first signal ends the work in order; the second leaves at once, even from within a library's long call."""
    if threading.current_thread() is not threading.main_thread():
        return
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    threading.Thread(target=_leave_at_second, args=(heard,), daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    heed_no_more()
    raise Stopped(number)


@contextmanager
def patience() -> Iterator[None]:
    """A signal within is heeded at the end: torch, while it loads, takes what a handler raises for its own death."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = {number: signal.signal(number, lambda n, _: heard.append(n)) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    if heard:
        _stop(heard[0], None)


def heed_no_more() -> None:
    """From now on a signal says nothing new."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _ignore)


def _ignore(number: int, frame: FrameType | None) -> None:
    """What follows the first signal is for `_leave_at_second`."""


def _leave_at_second(heard: int) -> None:
    os.read(heard, 1)
    os._exit(128 + os.read(heard, 1)[0])
