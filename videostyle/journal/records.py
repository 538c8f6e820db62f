"""JSON files that are complete or absent, and the digests that tell whether a file is as it was left."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from videostyle.media.files import write_file


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file and rename it into place, so that it is complete or absent."""
    write_file(path, json.dumps(content, indent=1).encode(), replace=True)


def read_sealed(path: Path, job: str) -> dict[str, Any] | None:
    """Read what `seal` made; None if the file is missing, was changed, or belongs to another job."""
    try:
        found = json.loads(path.read_text("utf-8"))
        content = {name: value for name, value in found.items() if name != "check"}
        return content if found == seal(content, job) else None
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def seal(content: dict[str, Any], job: str) -> dict[str, Any]:
    """Add a checksum that ties `content` to a job."""
    line = json.dumps([job, content], sort_keys=True)
    return {**content, "check": hashlib.sha256(line.encode()).hexdigest()}


def sync_and_digest(path: Path) -> str:
    """Flush a file to the disk; return the SHA-256 of its content."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_digest(path: Path, digest: str) -> bool:
    """Tell whether a file is there and its content has this SHA-256."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False
