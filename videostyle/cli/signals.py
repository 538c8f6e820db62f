"""Ctrl-C, SIGTERM and SIGHUP: the first is noted for the work, the second leaves at once.

A handler that raises would do so anywhere: inside another library's lock, or while torch loads, which ends the process.
So the handler only notes the signal, and the work looks at it where it is safe (`videostyle.interrupt`).
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from types import FrameType
from typing import NoReturn

from videostyle import interrupt

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def install_signal_handlers() -> None:
    """Note the first signal; leave at once at the second, even from within a library's long call."""
    if threading.current_thread() is not threading.main_thread():
        return
    heard, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_leave_at_second, args=(heard, woken), daemon=True).start()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            signal.signal(number, _note)


def ignore_signals() -> None:
    """Let further signals say nothing new; the second one still leaves at once."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is _note:
                signal.signal(number, _ignore)


def _note(number: int, frame: FrameType | None) -> None:
    interrupt.request(number)


def _ignore(number: int, frame: FrameType | None) -> None:
    """The first signal was heard; `_leave_at_second` waits for the other."""


def _leave_at_second(heard: socket.socket, woken: socket.socket) -> None:
    """Wait for two signals; the interpreter writes each one's number to `woken`, whatever the main thread does."""
    heard.recv(1)
    os._exit(128 + heard.recv(1)[0])


def leave_now(code: int) -> NoReturn:
    """End the process without cleanup: threads inside native code would find the interpreter gone."""
    os._exit(code)
