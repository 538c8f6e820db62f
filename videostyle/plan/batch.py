"""Many pictures in one job: every content in every style, each into a file of its own."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from videostyle.errors import InputError, OutputError, UnreadableError, as_input_errors
from videostyle.media.content import StillContent
from videostyle.media.image import still
from videostyle.media.target import SequenceTarget, StillTarget, resolve_target
from videostyle.network.file import is_look
from videostyle.plan.options import check_settings
from videostyle.plan.paths import check_apart, check_styles, named_files
from videostyle.plan.plan import Plan
from videostyle.plan.planner import plan_image
from videostyle.plan.request import Request
from videostyle.plan.resume import is_finished
from videostyle.plan.size import warn_of_further_images, warn_of_limit, warn_of_small_styles, warn_of_unread
from videostyle.settings import Settings

log = logging.getLogger(__name__)

SUFFIX = ".png"

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures to be made one after another; the name of each result tells its content, and its style if several.

    Args:
        folder: Where they go.
        plans: One for each picture that can be read, in each style that can, and is not finished.
        asked: How many there would be if all could be read.
        finished: How many are there, made by this very job.

    """

    folder: Path
    plans: tuple[Plan, ...]
    asked: int
    finished: int = 0

    @property
    def settings(self) -> Settings:
        return self.plans[0].settings

    @property
    def is_passthrough(self) -> bool:
        return all(plan.is_passthrough for plan in self.plans)

    @property
    def frames(self) -> int:
        return len(self.plans)

    @property
    def work(self) -> float:
        return self.left(0)

    def left(self, done: int) -> float:
        """Cost in steps at full size of what is left after `done` pictures."""
        return sum(plan.work or 0 for plan in self.plans[done:])


@as_input_errors()
def make_batch(request: Request) -> Batch:
    """Find the pictures and check everything that can be checked. One that cannot be read is told and left out.

    Raises:
        InputError: The request cannot be met as asked; the message says what to change.

    """
    if isinstance(resolve_target(request.content), SequenceTarget):
        raise OutputError(request.output, f"numbered pictures need a pattern too: {request.output}/out.%04d{SUFFIX}")
    if request.into:
        raise InputError("--into is for films and numbered pictures; a directory takes single ones")
    if request.fps is not None:
        raise InputError("--fps is for numbered pictures, as shot.%04d.png; the pictures of a directory have no times")
    if request.sound is not None or request.gaps != "refuse" or request.first_number is not None:
        raise InputError("--sound, --gaps and --first-number are for numbered pictures, not for a directory")
    if any(is_look(style) for style in request.styles):
        raise InputError("a look file styles films, and pictures one at a time; name one of them")
    if request.attention_map is not None:
        raise InputError("--attention-map is for one picture or film, not for a directory of them")
    contents = still.find_images(request.content)
    styles = [path for style in request.styles for path in still.find_images(style)]
    _check_contents(contents, request.output)
    check_styles(styles)
    check_settings(replace(request, styles=tuple(styles[:1])))
    named = name_results(request.output, contents, styles, lambda content: SUFFIX)
    check_apart(named.values(), [*contents, *styles, *named_files(request.settings)])
    check_folder(request.output)
    sizes = dict(_readable(contents, still.image_size)) | dict(_readable(styles, still.style_size))
    warn_of_unread([request.content, *request.styles])
    warn_of_further_images(sizes)
    plans = [
        plan_image(
            replace(request, content=content, styles=(style,), output=output),
            StillContent(content, sizes[content]),
            StillTarget(output),
        )
        for (content, style), output in named.items()
        if content in sizes and style in sizes
    ]
    if not plans:
        raise InputError(f"no picture of {request.content} can be made; the notices say why")
    return _of_unfinished(Batch(request.output, tuple(plans), _asked(request, contents, styles)), sizes, request)


def _asked(request: Request, contents: Sequence[Path], styles: Sequence[Path]) -> int:
    """How many pictures there would be if those of all kinds could be read."""
    unread = [len(still.unread_images(path)) for path in request.styles]
    return (len(contents) + len(still.unread_images(request.content))) * (len(styles) + sum(unread))


def _of_unfinished(batch: Batch, sizes: Mapping[Path, Size], request: Request) -> Batch:
    """The same with what is left to be made."""
    plans = [plan for plan in batch.plans if not is_finished(plan)]
    finished = len(batch.plans) - len(plans)
    if finished:
        log.info("%d of %d pictures are finished already", finished, batch.asked)
    if plans:
        warn_of_limit(max(max(sizes[plan.request.content]) for plan in plans), request)
        warn_of_small_styles(plans)
    return replace(batch, plans=tuple(plans), finished=finished)


def _check_contents(contents: Sequence[Path], folder: Path) -> None:
    for content in contents:
        if not still.is_still(content):
            raise OutputError(folder, f"a directory takes pictures; for {content}, name the file to write")


def name_results(
    folder: Path, contents: Sequence[Path], styles: Sequence[Path], suffix: Callable[[Path], str]
) -> dict[tuple[Path, Path], Path]:
    """(content, style) → result, in order; the suffix is that for the content.

    Raises:
        OutputError: Two results would have one name, on some disk.

    """
    several = len(styles) > 1
    named: dict[tuple[Path, Path], Path] = {}
    taken: dict[str, tuple[Path, Path]] = {}
    for pair in product(contents, styles):
        content, style = pair
        output = folder / (
            f"{content.stem}_{style.stem}{suffix(content)}" if several else f"{content.stem}{suffix(content)}"
        )
        other = taken.setdefault(output.name.casefold(), pair)
        if other is not pair:
            first, second = (f"{c} in {s}" if several else f"{c}" for c, s in (other, pair))
            raise OutputError(output, f"{first} and {second} would both be written there; rename one")
        named[pair] = output
    return named


def make_folder(folder: Path) -> None:
    """Make a directory and those above it.

    Raises:
        OutputError: It cannot be made.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(folder, error.strerror or str(error)) from error


def check_folder(folder: Path) -> None:
    """See that files can be written to a directory, once it is made.

    Raises:
        OutputError: It is a file, or the user may not write to it.

    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(folder, "it is a file; name another directory")
    if folder.is_dir() and not os.access(folder, os.W_OK):
        raise OutputError(folder, "you may not write to that directory; choose another")


def _readable(pictures: Iterable[Path], size: Callable[[Path], Size]) -> Iterator[tuple[Path, Size]]:
    """Each picture whose header can be read, with its (width, height) as shown, which `size` reads."""
    for picture in dict.fromkeys(pictures):
        try:
            yield picture, size(picture)
        except UnreadableError as error:
            log.warning("%s; it is left out", error)
