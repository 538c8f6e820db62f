"""Numbered pictures as a film: `shot.%04d.png`. They have no sound, and a rate only if told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from videostyle.errors import InputError, MediaError, OutputError, UnreadableError
from videostyle.frames import Frame, Span
from videostyle.media.image import still
from videostyle.media.source import Clip
from videostyle.media.video.color import Colors

RATE = Fraction(24)
_FIELD = re.compile(r"%(?:0(\d))?d")
_SRGB = Colors(1, 13, 0, 2, rgb=True)


def is_sequence(path: Path) -> bool:
    """Whether a name stands for numbered pictures: with one %d or %04d in it, and no file of that very name."""
    return len(_FIELD.findall(path.name)) == 1 and not path.exists()


def nth(pattern: Path, number: int) -> Path:
    """The file with a number: `shot.%04d.png`, 7 → `shot.0007.png`."""
    return pattern.with_name(_FIELD.sub(lambda field: f"{number:0{field[1] or 1}d}", pattern.name))


def number(pattern: Path, name: str) -> int | None:
    """Which number a file of that name has in a sequence; None if it is of no number."""
    before, _, after = _FIELD.split(pattern.name)
    found = re.fullmatch(rf"{re.escape(before)}(\d+){re.escape(after)}", name)
    return int(found[1]) if found and nth(pattern, int(found[1])).name == name else None


def numbers(pattern: Path) -> list[int]:
    """The numbers for which there are files, in order."""
    if not pattern.parent.is_dir():
        return []
    found = (number(pattern, path.name) for path in pattern.parent.iterdir())
    return sorted(each for each in found if each is not None)


def files(pattern: Path) -> list[Path]:
    """All files of a sequence, in order."""
    return [nth(pattern, number) for number in numbers(pattern)]


def probe(pattern: Path, rate: Fraction = RATE) -> Clip:
    """Look at the headers of numbered pictures.

    Args:
        pattern: For example `shot.%04d.png`.
        rate: Pictures per second.

    Raises:
        UnreadableError: There is none, one between the first and the last is missing, or has another size.

    """
    found = numbers(pattern)
    if not found:
        raise UnreadableError(pattern, f"there is no file such as {nth(pattern, 1).name}")
    first = nth(pattern, found[0])
    for number, expected in zip(found, range(found[0], found[-1] + 1), strict=False):
        if number != expected:
            raise UnreadableError(nth(pattern, expected), f"it is missing between {first.name} and those after it")
    _check_sizes(files(pattern))
    width, height = still.picture_size(first)
    return Clip(
        path=pattern,
        stream=0,
        width=width,
        height=height,
        rotation=0,
        time_base=1 / rate,
        rate=rate,
        frames=len(found),
        start=Fraction(0),
        aspect=Fraction(1),
        colors=_SRGB,
        first=found[0],
    )


def _check_sizes(pictures: Sequence[Path]) -> None:
    expected = still.stored_size(pictures[0])
    for path in pictures[1:]:
        size = still.stored_size(path)
        if size != expected:
            sizes = "{}x{}, and {} {}x{}".format(*size, pictures[0].name, *expected)
            raise UnreadableError(path, f"it is {sizes}; the pictures of a sequence have one size")


def positions(clip: Clip, span: Span) -> list[int]:
    """Which pictures of a sequence lie in `span`, counted from 0.

    Raises:
        InputError: None does.

    """
    found = span.places(index / clip.rate for index in range(clip.frames or 0))
    if not found:
        raise InputError(f"no picture of {clip.path} lies in the range asked for; it has {clip.frames}")
    return found


def read_frames(clip: Clip, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Frame]:
    """Yield the pictures of a sequence that lie in `span`, as `reader.read_frames` does those of a film.

    Args:
        clip: From `probe`.
        size: (width, height) of the frames.
        span: Which pictures; their place counts from 0, whatever their numbers.
        quiet: As for a film; a picture has nothing to tell.

    Raises:
        InputError: No picture lies in `span`.
        MediaError: One is damaged.

    """
    for index in positions(clip, span):
        try:
            frame = still.read_frame(nth(clip.path, first_number(clip) + index), size)
        except UnreadableError as error:
            raise MediaError(str(error)) from error
        yield replace(frame, pts=index, time_base=clip.time_base, index=index)


def first_number(clip: Clip) -> int:
    """The number of the file that frame 0 of a clip is read from, or written to: of a film's, 1."""
    return 1 if clip.first is None else clip.first


class SequenceWriter:
    """Writes each frame as a numbered picture of its own, there completely or not at all; a context manager.

    Args:
        path: For example `out.%04d.png`; the suffix says the format.
        first: Number of the file for the source's frame 0; of a range, the numbers are those of the whole.
        comment: How the pictures were made, for their metadata.
        within: The directory where they are written before they get their names.

    """

    def __init__(self, path: Path, first: int, comment: str = "", within: Path | None = None) -> None:
        self._path, self._first, self._comment, self._within = path, first, comment, within

    def write(self, frame: Frame) -> Path:
        """Write one frame, and tell where.

        Raises:
            MediaError: The file cannot be made.

        """
        path = nth(self._path, self._first + frame.index)
        try:
            still.write_still(path, frame.pixels, self._comment, frame.alpha, self._within)
        except OutputError as error:
            raise MediaError(f"{error}; make room on that disk, or choose another") from error
        return path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to do: what was written is complete."""
