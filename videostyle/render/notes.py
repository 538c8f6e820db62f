"""Files that are known to be whole: written completely or not at all, and known by their checksums."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load_file

from videostyle.media.files import publish


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file that is there completely or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1), "utf-8")
    publish(part, path)


def read(path: Path, job: str) -> dict[str, Any] | None:
    """What `checked` made, if nobody changed it and it is of this job."""
    try:
        found = json.loads(path.read_text("utf-8"))
        content = {name: value for name, value in found.items() if name != "check"}
    except (OSError, ValueError, AttributeError):
        return None
    return content if found == checked(content, job) else None


def checked(content: dict[str, Any], job: str) -> dict[str, Any]:
    """Content with a checksum that ties it to the job."""
    line = json.dumps([job, content], sort_keys=True)
    return {**content, "check": hashlib.sha256(line.encode()).hexdigest()}


def synced_digest(path: Path) -> str:
    """SHA-256 of a file that is on the disk for good."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_digest(path: Path, digest: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False


def loads(path: Path) -> bool:
    try:
        load_file(path)
    except (OSError, SafetensorError):
        return False
    return True
