"""Files that appear complete or not at all: written under a temporary name, brought to the disk, renamed."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def resolve_link(path: Path) -> Path:
    """Return the file that a symbolic link points to, so that the link stays and its target is written."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def temp_path(path: Path) -> Path:
    """Return the name under which a file is written until it is complete: hidden, in the same directory."""
    target = resolve_link(path)
    return target.with_name(f".{target.stem}.part{target.suffix}")


def publish(part: Path, path: Path) -> None:
    """Rename a complete file to `path`, after its content has reached the disk.

    Raises:
        OSError: The file cannot be synced or renamed.

    """
    _sync_file(part)
    target = resolve_link(path)
    os.replace(part, target)
    _sync_directory(target.parent)


def _sync_file(path: Path) -> None:
    with path.open("r+b") as file:  # Windows syncs only what is open for writing
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    """Bring renamed entries to the disk; Windows cannot open a directory, and syncs its entries by itself."""
    if sys.platform != "win32":
        directory = os.open(path, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
