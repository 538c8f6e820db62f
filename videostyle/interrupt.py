"""A request to stop: noted when it comes, looked at by the work where stopping is safe."""

from __future__ import annotations

from threading import Lock

_requested: list[int] = []
_lock = Lock()


class Interrupted(BaseException):
    """Ends the work in order; `number` is the signal that asked for it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def request(number: int) -> None:
    """Ask the work to stop; a signal handler may call this."""
    _requested.append(number)


def pending() -> int | None:
    """The signal that asked the work to stop, if the work has not looked yet."""
    return _requested[0] if _requested else None


def check() -> None:
    """Stop here if that was asked for.

    Raises:
        Interrupted: Once for each request; the thread that gets it ends the others.

    """
    if _requested:
        with _lock:
            if _requested:
                raise Interrupted(_requested.pop(0))
