"""The directory beside an output: its name, which files in it are a job's own, and its lock."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from videostyle.errors import OutputError
from videostyle.media.files import is_part

log = logging.getLogger(__name__)

LOCK = "lock"
NAME_BYTES = 255  # of a file's name, which no common disk allows to be longer

_OWN = re.compile(
    rf"{LOCK}|(job|complete|[0-9]{{6,}})\.json|[0-9]{{6,}}\.(packets|state|draft)"
    r"|[0-9]{6,}\.([0-9]{6,}|opening)\.(frame|carry)|(film|whole|trial-[0-9]+)\.\w+"
)


def state_folder(output: Path) -> Path:
    """Return where the unfinished work on a file is kept: a hidden directory beside it, its name cut where too long."""
    name = f".{output.name}.videostyle"
    if len(os.fsencode(name)) > NAME_BYTES:
        name = f".{output.name[:40]}.{sha256(os.fsencode(output.name)).hexdigest()[:16]}.videostyle"
    return output.with_name(name)


def check_folder(output: Path) -> None:
    """See that the directory beside `output`, if there is one, is a job's own: no link, and in it none, but files.

    Raises:
        OutputError: It is not; nothing was touched.

    """
    folder = state_folder(output)
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise OutputError(output, f"{folder} is no directory of videostyle's own; move it away, or choose another name")
    with os.scandir(folder) as entries:
        foreign = sorted(entry.name for entry in entries if _is_foreign(entry))
    if foreign:
        raise OutputError(output, f"{folder / foreign[0]} is no file that videostyle made; move it away")


def _is_foreign(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a link, or has a job's name and is a directory, a pipe or the like."""
    return entry.is_symlink() or (_is_own(entry.name) and not entry.is_file())


@contextmanager
def trial_folder(output: Path) -> Iterator[Path]:
    """Make the directory beside `output` for a moment, unless there is one; yields it.

    Raises:
        OutputError: What is there is not a job's own.

    """
    check_folder(output)
    folder = state_folder(output)
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        with suppress(OSError):
            folder.rmdir()  # which refuses where work is kept


def lock_folder(output: Path) -> BaseFileLock:
    """Lock the directory beside `output` until this process releases it or ends, however it ends.

    Raises:
        OutputError: Another process works there, or what is there is not a job's own.

    """
    check_folder(output)
    lock = FileLock(state_folder(output) / LOCK, timeout=0, is_singleton=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise OutputError(
            output, "another videostyle is at work on it; wait for that, or choose another name"
        ) from error
    except (OSError, NotImplementedError):
        log.warning("the disk of %s knows no locks; see that no other videostyle works on it", output)
    return lock


def own_files(folder: Path) -> list[Path]:
    """Return the files in a directory that have names a job gives; none if it is not there."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [folder / e.name for e in entries if e.is_file(follow_symlinks=False) and _is_own(e.name)]


def clear_folder(folder: Path, kept: Collection[Path] = ()) -> None:
    """Delete a job's own files but those in `kept`.

    Raises:
        OSError: One cannot be deleted.

    """
    for path in set(own_files(folder)) - set(kept):
        path.unlink(missing_ok=True)


def remove_folder(folder: Path, lock: BaseFileLock) -> None:
    """Delete a locked directory; one that holds what no job made stays with that.

    Windows lets nobody delete the open lock file, so that goes last.
    """
    _delete(folder)
    lock.release()
    _delete(folder)


def _delete(folder: Path) -> None:
    with suppress(OSError):
        clear_folder(folder)
    with suppress(OSError):
        folder.rmdir()


def _is_own(name: str) -> bool:
    return is_part(name) or _OWN.fullmatch(name) is not None
