"""Files in short: SHA-256 of what they hold."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path

from videostyle.errors import UnreadableError

WHOLE = 64 << 20  # bytes up to which all of a file counts; of a larger one, its size, its time and samples of it
_SAMPLE = 1 << 16  # bytes of each sample
_SAMPLES = 256


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content up to `WHOLE` bytes; beyond, of its size, its time and samples of its content.

    Raises:
        UnreadableError: The file is not there any more.

    """
    try:
        status = path.stat()
        with path.open("rb") as file:
            whole = status.st_size <= WHOLE
            return hashlib.file_digest(file, "sha256").hexdigest() if whole else _sampled(file, status)
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error)) from error


def _sampled(file: BufferedReader, status: os.stat_result) -> str:
    found = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode())
    for number in range(_SAMPLES):
        file.seek((status.st_size - _SAMPLE) * number // (_SAMPLES - 1))
        found.update(file.read(_SAMPLE))
    return found.hexdigest()


def write_list(path: Path, files: Sequence[Path]) -> None:
    """Write the names of files and their digests."""
    path.write_text(json.dumps({file.name: file_digest(file) for file in files}), "utf-8")


def read_list(path: Path) -> dict[str, str]:
    """Return the names and digests in a file from `write_list`; none if it is torn."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def files_digest(paths: Sequence[Path]) -> str:
    """One fact for one file or several."""
    digests = [file_digest(path) for path in paths]
    return f"sha256:{digests[0]}" if len(digests) == 1 else value_digest(digests)


def stats_digest(paths: Sequence[Path]) -> str:
    """One fact for many files, each by its name, size and time: reading them all would take too long."""
    return value_digest([(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths])


def value_digest(value: object) -> str:
    """SHA-256 of `repr(value)`, as a fact."""
    return "sha256:" + hashlib.sha256(repr(value).encode()).hexdigest()
