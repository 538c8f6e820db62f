"""Files that appear complete or not at all: written under a temporary name, brought to the disk, renamed."""

from __future__ import annotations

import errno
import os
import re
import secrets
import sys
from pathlib import Path

from videostyle.errors import AppearedError

_PART = re.compile(r"\..*\.[0-9a-f]{12}\.part(\.[^.]*)?", re.DOTALL)


def resolve_link(path: Path) -> Path:
    """Return the file that a symbolic link points to, so that the link stays and its target is written."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def create_part(path: Path, within: Path | None = None) -> Path:
    """Make an empty file, hidden and of a random name, in which `path` is written until it is complete.

    It is a new file, never one that was there, nor one that a link leads to.

    Args:
        path: Of the file to come.
        within: Directory for it, on the same disk; that of `path` by default.

    Raises:
        OSError: It cannot be made.

    """
    target = resolve_link(path)
    name = f".{target.stem[:40]}.{secrets.token_hex(6)}.part{target.suffix}"
    part = (target.parent if within is None else within) / name
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666))
    return part


def write_file(path: Path, content: bytes, within: Path | None = None, *, replace: bool) -> None:
    """Write a file that is there completely or not at all; see `create_part` and `publish`, also for errors."""
    part = create_part(path, within)
    try:
        part.write_bytes(content)
        publish(part, path, replace=replace)
    finally:
        part.unlink(missing_ok=True)


def is_part(name: str) -> bool:
    """Return whether a name is one that `create_part` gives."""
    return _PART.fullmatch(name) is not None


def publish(part: Path, path: Path, *, replace: bool) -> None:
    """Rename a complete file to `path`, after its content has reached the disk.

    Args:
        part: The file, on the same disk.
        path: Its name; a link stays, and the file that it leads to is written.
        replace: Take the place of a file that has that name.

    Raises:
        FileExistsError: There is one, and it is not to be replaced; or it is no file, and never is.
        OSError: The file cannot be synced or renamed.

    """
    _sync_file(part)
    target = resolve_link(path)
    if replace and (target.is_file() or not os.path.lexists(target)):
        os.replace(part, target)
    else:
        _rename_to_new(part, target)
    _sync_directory(target.parent)


def publish_output(part: Path, path: Path, *, replace: bool) -> None:
    """Publish a result, which may take the place of what was there when the work was planned, but of nothing else.

    Raises:
        AppearedError: A file has got its name since then.

    """
    try:
        publish(part, path, replace=replace)
    except FileExistsError as error:
        raise AppearedError(path) from error


def _rename_to_new(part: Path, target: Path) -> None:
    """Rename a file to a name that nothing has, not even from one moment to the next."""
    if sys.platform == "win32":
        part.rename(target)  # which refuses there
    else:
        _link_to_new(part, target)


def _link_to_new(part: Path, target: Path) -> None:
    """Rename a file by a hard link, which no disk lays over another file, or plainly where a disk knows no links."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError as error:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        part.rename(target)  # on a disk without hard links
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
