"""Standard error that may be closed, full or gone, and notices on it. Nothing about it ends or hangs a job."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import suppress
from typing import Any, TextIO

from tqdm import tqdm

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


class Notices(logging.Handler):
    """Writes log records as lines, above the bar if there is one."""

    def __init__(self, stream: SafeStream) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        line = f"videostyle: {record.getMessage()}"
        with suppress(OSError, ValueError):
            tqdm.write(line, file=self._stream)


class JsonNotices(logging.Handler):
    """Writes log records as events."""

    def __init__(self, stream: SafeStream) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        write_event(self._stream, "notice", level=record.levelname.lower(), message=record.getMessage())


def configure_logging(*, quiet: bool, verbose: bool, events: bool = False) -> None:
    """Send notices to stderr, as lines, or as events where programs listen."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it warns of every tag that it skips
    log.setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)
    if not log.handlers:
        stream = SafeStream(sys.stderr)
        log.addHandler(JsonNotices(stream) if events else Notices(stream))


def write_event(stream: SafeStream, event: str, **facts: Any) -> None:
    """Write one line of JSON; docs/scripts.md describes the events."""
    stream.write(json.dumps({"event": event, **facts}, separators=(",", ":")) + "\n")
    stream.flush()


def say(text: str) -> None:
    """Print to stdout; a reader that left is no error."""
    stream = SafeStream(sys.stdout)
    stream.write(text + "\n")
    stream.flush()


def flush(stream: TextIO | None) -> bool:
    """Write out what a stream holds; false if it is closed, full or gone."""
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        return False
    return stream is not None
