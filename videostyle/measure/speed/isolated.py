"""A measurement in a process of its own: nothing warm, and a peak of memory that is nobody else's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from videostyle import interrupt

P = ParamSpec("P")
T = TypeVar("T")

_STATUS = Path("/proc/self/status")


def run_isolated(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns, or raises, in a fresh interpreter.

    Raises:
        Interrupted: A signal asks to stop, which a terminal sends to that interpreter as well.

    """
    interrupt.check()
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(work, *args, **kwargs).result()
    except (BrokenProcessPool, KeyboardInterrupt):
        interrupt.check()
        raise


def peak_memory() -> int:
    """The most bytes of memory that this process has held.

    Linux hands a parent's ru_maxrss on to its children, so that its own count of the address space is asked first.
    """
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return _peak_memory_elsewhere()


def _peak_memory_elsewhere() -> int:
    """The peak where there is no /proc."""
    if sys.platform == "win32":
        import psutil

        peak = int(psutil.Process().memory_info().peak_wset)
    else:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return peak
