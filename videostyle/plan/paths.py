"""What is refused by looking at names and files, before anything is read closely."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from videostyle.errors import OutputError, UnreadableError
from videostyle.journal.folder import check_folder
from videostyle.media import sequence
from videostyle.media.image import still
from videostyle.media.target import Target
from videostyle.media.video.codecs import SUFFIXES
from videostyle.plan.request import Request
from videostyle.plan.resume import check_free
from videostyle.settings import Settings
from videostyle.settings import named_files as settings_files


def check_paths(request: Request, target: Target) -> None:
    """See that the inputs are there, that the output can be made, and that it is none of the inputs.

    Raises:
        UnreadableError: An input is missing or of the wrong kind.
        OutputError: The output cannot be written there.

    """
    _check_content(request.content)
    maps = [request.attention_map] if request.attention_map else []
    sound = [request.sound] if request.sound else []
    read = [request.content, *request.style_files, *named_files(request.settings), *sound]
    check_apart([request.output, *maps], read)
    _check_order(request)
    check_styles(request.styles)
    _check_output(request.output)
    if request.into:
        _check_there(target)
    elif not request.resume:
        check_free(request)


def _check_content(path: Path) -> None:
    check_readable(path)
    if not path.exists() and not sequence.is_sequence(path):
        address = re.match(r"[a-z]{2,}:/", str(path))
        raise UnreadableError(path, "it is an address; download it first" if address else "there is no such file")


def check_readable(path: Path) -> None:
    """See that an input is no pipe: it is read more than once.

    Raises:
        UnreadableError: It is one.

    """
    odd = path.exists() and not (path.is_file() or path.is_dir())
    if odd or str(path) in ("-", "/dev/stdin"):
        raise UnreadableError(path, "pipes and devices are not read; save it as a file first")


def _check_output(output: Path) -> None:
    _check_writable(output)
    check_folder(output)


def check_new(path: Path, *, overwrite: bool) -> None:
    """See that a report, a picture or the like can be written, and takes the place of nothing unless it may.

    Raises:
        OutputError: It cannot, or would.

    """
    _check_writable(path)
    if path.exists() and not overwrite:
        raise OutputError(path, "it exists; choose another name or say --overwrite")


def _check_writable(output: Path) -> None:
    if output.is_dir():
        raise OutputError(output, "it is a directory; name the file to write")
    check_regular(output)
    if not output.parent.is_dir():
        raise OutputError(output, f"there is no directory {output.parent}; make it first")
    if not os.access(output.parent, os.W_OK):
        raise OutputError(output, f"you may not write to {output.parent}; choose another directory")


def check_regular(output: Path) -> None:
    """See that what has an output's name, if anything has, is a file: a pipe or device is never replaced.

    Raises:
        OutputError: It is something else.

    """
    if output.exists() and not output.is_file():
        raise OutputError(output, "it is a pipe or a device, and not a file; choose another name")


def _check_there(target: Target) -> None:
    if not target.exists():
        raise OutputError(target.path, "there is nothing finished of that name; without --into it is made")


def named_files(settings: Settings) -> list[Path]:
    """Every file that settings name."""
    return [Path(file) for name, value in asdict(settings).items() for file in settings_files(name, value)]


def check_apart(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """See that the job writes no file that it reads, under whatever name.

    Raises:
        OutputError: It would.

    """
    read = _identities(inputs)
    for path in outputs:
        if read & _identities([path]):
            raise OutputError(path, "it is an input of this very job; choose another name")


def _identities(paths: Iterable[Path]) -> set[tuple[int, int]]:
    """Device and inode of the files that are there."""
    found = (file for path in paths for file in (sequence.files(path) if sequence.is_sequence(path) else [path]))
    return {(status.st_dev, status.st_ino) for status in (file.stat() for file in found if file.exists())}


def _check_order(request: Request) -> None:
    """See that film and painting have not changed places."""
    films = [style for style in request.styles if style.suffix.lower() in SUFFIXES]
    if films and still.is_still(request.content):
        raise UnreadableError(films[0], f"a style is a picture; say CONTENT first: {films[0]} {request.content}")


def check_styles(styles: Sequence[Path]) -> None:
    """See that every style is an image by its name.

    Raises:
        UnreadableError: One is not.

    """
    for style in styles:
        check_readable(style)
        if not still.is_still(style):
            raise UnreadableError(style, f"a style is a picture: one of {', '.join(still.READABLE)}; convert it")


def check_attention_map(request: Request, target: Target, path: Path) -> None:
    """See that the attention map can be written, and is not the result.

    Raises:
        OutputError: It cannot, or is.

    """
    if path.suffix.lower() not in still.WRITABLE:
        raise OutputError(path, f"a map is a picture: one of {', '.join(still.WRITABLE)}")
    check_new(path, overwrite=request.overwrite or request.resume)
    if target.includes(path):
        raise OutputError(path, "the result itself is written there; choose another name for the map")
