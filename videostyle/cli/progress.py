"""What a job shows while it runs: a bar in a terminal, lines in a log, or JSON for programs.

Nothing about stderr or stdout ends or hangs a job: what cannot be written is dropped.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import suppress
from typing import Any, Literal, TextIO

from tqdm import tqdm

from videostyle.plan.batch import Batch
from videostyle.plan.plan import Plan
from videostyle.render.progress import FrameReport, Progress, Summary

Mode = Literal["auto", "bar", "plain", "json", "none"]

PLAIN_SECONDS = 10.0  # between two lines of a log

log = logging.getLogger("videostyle")


class SafeStream:
    """Writes to a stream that may be closed, full or gone; what it cannot write is dropped, then and ever after."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if self._stream is not None:
            try:
                self._stream.write(text)
            except (OSError, ValueError):
                self._stream = None
        return len(text)

    def flush(self) -> None:
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._stream = None

    def isatty(self) -> bool:
        with suppress(OSError, ValueError):
            return self._stream is not None and self._stream.isatty()
        return False

    @property
    def encoding(self) -> str:
        return getattr(self._stream, "encoding", None) or "utf-8"

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError("the stream is closed")
        return self._stream.fileno()
