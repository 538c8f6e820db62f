"""Many films in one command: every film in every style, each into a file of its own."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from videostyle.errors import InputError, as_input_errors
from videostyle.media.image import still
from videostyle.media.video.codecs import SUFFIXES
from videostyle.plan.batch import check_folder, name_results
from videostyle.plan.options import check_engine, check_settings
from videostyle.plan.paths import check_apart, check_styles, named_files
from videostyle.plan.request import Request
from videostyle.plan.resume import check_free

FILMS = (*SUFFIXES, ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv", ".3gp", ".mxf")
OTHER = ".mp4"  # of the result of a film that is not written in its own format


@dataclass(frozen=True)
class Films:
    """Films to be made one after another.

    Args:
        folder: Where they go.
        requests: One for each film in each style.

    """

    folder: Path
    requests: tuple[Request, ...]


def find_films(path: Path) -> list[Path]:
    """Return the films of a directory or pattern, or the file itself if it is one, sorted; none if there are none."""
    if path.is_dir():
        named = [p for p in path.iterdir() if not p.name.startswith(".")]
    elif path.exists():
        named = [path]
    else:
        named = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207  # may be absolute
    return sorted(p for p in named if p.suffix.lower() in FILMS and p.is_file())


@as_input_errors()
def plan_films(request: Request, films: Sequence[Path]) -> Films:
    """Check what can be checked of all films at once; each is planned when its turn comes.

    Raises:
        InputError: The request cannot be met as asked; the message says what to change.

    """
    if request.into:
        raise InputError("--into is for one film; name it instead of a directory")
    if request.attention_map is not None:
        raise InputError("--attention-map is for one picture or film, not for a directory of them")
    styles = [path for style in request.styles for path in still.find_images(style)]
    check_styles(styles)
    check_settings(replace(request, styles=tuple(styles[:1])))
    check_engine(request.settings)
    check_folder(request.output)
    named = name_results(request.output, films, styles, _suffix)
    check_apart(named.values(), [*films, *styles, *named_files(request.settings)])
    requests = [replace(request, content=film, styles=(style,), output=o) for (film, style), o in named.items()]
    for each in requests:
        if not request.resume:
            check_free(each)
    return Films(request.output, tuple(requests))


def _suffix(film: Path) -> str:
    return film.suffix.lower() if film.suffix.lower() in SUFFIXES else OTHER
