"""What of a request can be refused before anything is looked at closely."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.errors import OutputError, SettingError, UnreadableError
from videostyle.media import masks, sequence
from videostyle.media.image import still
from videostyle.render.preflight import NAMED_WEIGHTS
from videostyle.settings import INITS, Settings
from videostyle.style.features.layers import layer_shares

if TYPE_CHECKING:
    from videostyle.render.plan import Request


def check_suffix(output: Path) -> None:
    if output.suffix.lower() not in still.WRITABLE:
        raise OutputError(output, f"a picture is written as one of {', '.join(still.WRITABLE)}")


def check_paths(request: Request) -> None:
    output = request.output
    if not request.content.exists() and not sequence.is_sequence(request.content):
        address = re.match(r"[a-z]{2,}:/", str(request.content))
        reason = "it is an address; download it first" if address else "there is no such file"
        raise UnreadableError(request.content, reason)
    maps = [request.attention_map] if request.attention_map else []
    check_apart([output, *maps], [request.content, *request.styles, *named_files(request.settings)])
    check_styles(request.styles)
    if output.is_dir():
        raise OutputError(output, "it is a directory; name the file to write")
    if not output.parent.is_dir():
        raise OutputError(output, f"there is no directory {output.parent}; make it first")
    if not os.access(output.parent, os.W_OK):
        raise OutputError(output, f"you may not write to {output.parent}; choose another directory")
    if request.into:
        _check_there(output)
    elif not request.resume:
        check_free(request)


def _check_there(output: Path) -> None:
    if not (sequence.numbers(output) if sequence.is_sequence(output) else output.is_file()):
        raise OutputError(output, "there is nothing finished of that name; without --into it is made")


def check_free(request: Request) -> None:
    if request.output.exists() and not request.overwrite:
        raise OutputError(request.output, "it exists; choose another name or say --overwrite")


def named_files(settings: Settings) -> list[Path]:
    """Every file that settings name."""
    init = [] if settings.init in INITS else [settings.init]
    weights = [] if settings.weights in NAMED_WEIGHTS else [settings.weights]
    return [Path(name) for name in (*settings.content_masks, *settings.style_masks, *init, *weights)]


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
    """What the disk knows the files by that are there."""
    found = (file for path in paths for file in (sequence.files(path) if sequence.is_sequence(path) else [path]))
    return {(status.st_dev, status.st_ino) for status in (file.stat() for file in found if file.exists())}


def check_styles(styles: Sequence[Path]) -> None:
    for style in styles:
        if not still.is_still(style):
            raise UnreadableError(style, f"a style is a picture: one of {', '.join(still.READABLE)}")


def check_settings(request: Request) -> None:
    for name in ("content_layers", "style_layers"):
        try:
            layer_shares(getattr(request.settings, name))
        except ValueError as error:
            raise SettingError(
                name, ", ".join(getattr(request.settings, name)), f"VGG19 activations ({error})"
            ) from error
    if request.settings.normalization == "none" and request.settings.style_loss != "gram":
        raise SettingError("normalization", "none", "energy, or none with the style loss gram")
    _check_pictures(request)


def _check_pictures(request: Request) -> None:
    """Everything that comes one for each style, and the pictures that settings name."""
    settings, count = request.settings, len(request.styles)
    for name in ("style_scale", "style_mix"):
        if len(getattr(settings, name)) not in (1, count):
            raise SettingError(name, getattr(settings, name), f"one number, or one for each of the {count} styles")
    if not sum(settings.style_mix):
        raise SettingError("style_mix", settings.style_mix, "above 0 for one style at least")
    for name in ("content_masks", "style_masks"):
        if len(getattr(settings, name)) not in (0, count):
            raise SettingError(name, getattr(settings, name), f"one file for each of the {count} styles")
    for mask in settings.content_masks:
        masks.check_mask(Path(mask))
    for picture in (*settings.style_masks, *([] if settings.init in INITS else [settings.init])):
        still.image_size(Path(picture))
    if request.attention_map:
        _check_map(request, request.attention_map)


def _check_map(request: Request, path: Path) -> None:
    if path.suffix.lower() not in still.WRITABLE:
        raise OutputError(path, f"a map is a picture: one of {', '.join(still.WRITABLE)}")
    if not path.parent.is_dir():
        raise OutputError(path, f"there is no directory {path.parent}; make it first")
    if _is_of(request.output, path):
        raise OutputError(path, "the result itself is written there; choose another name for the map")
    if path.exists() and not (request.overwrite or request.resume):
        raise OutputError(path, "it exists; choose another name or say --overwrite")


def _is_of(output: Path, path: Path) -> bool:
    """Whether a file is, or would be, one that the job's result is written to."""
    if sequence.is_sequence(output):
        return path.parent.resolve() == output.parent.resolve() and sequence.number_of(output, path.name) is not None
    return os.path.realpath(path) == os.path.realpath(output)
