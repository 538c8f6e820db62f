"""Files that appear complete or not at all: written under a temporary name, brought to the disk, renamed."""

from __future__ import annotations

import errno
import os
import secrets
import sys
from pathlib import Path

PART = ".part"  # in the names of files that are not complete
LONGEST_STEM = 60  # letters of a name that its part file shares: with all of 255 there would be no room for more


def resolve_link(path: Path) -> Path:
    """Return the file that a symbolic link points to, so that the link stays and its target is written."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def part_file(path: Path, folder: Path | None = None) -> Path:
    """Make an empty file of a random hidden name, under which another is written until it is complete.

    Nothing that lies there, a planted link least of all, can be hit.

    Args:
        path: What the file will be.
        folder: Where it is made, on the disk of `path`; beside it, links followed, by default.

    Raises:
        OSError: The file cannot be made.

    """
    target = resolve_link(path)
    stem, suffix = target.stem[:LONGEST_STEM], target.suffix
    while True:
        part = (folder or target.parent) / f".{stem}.{secrets.token_hex(4)}{PART}{suffix}"
        try:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o666))
        except FileExistsError:
            continue
        return part


def publish(part: Path, path: Path, *, replace: bool = True) -> None:
    """Give a complete file the name `path`, after its content has reached the disk.

    Args:
        part: The file, on the same disk.
        path: What it becomes; of a link, the file that it points to.
        replace: A file that is there is replaced.

    Raises:
        FileExistsError: A file is there that is not to be replaced; `part` stays.
        OSError: The file cannot be synced or renamed.

    """
    _sync_file(part)
    target = resolve_link(path)
    if replace:
        os.replace(part, target)
    else:
        _rename_new(part, target)
    _sync_directory(target.parent)


def _rename_new(part: Path, target: Path) -> None:
    """Rename a file to a name that is free; disks without hard links have a moment between the look and the rename."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        part.rename(target)
    else:
        part.unlink()


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
