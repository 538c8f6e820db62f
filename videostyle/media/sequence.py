"""Numbered images as a video: `shot.%04d.png`, `shot.####.png`. They have no audio, and a rate if the user says one."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from videostyle.errors import InputError, MediaError, OutputError, UnreadableError
from videostyle.frames import Frame, Span
from videostyle.media.clip import Clip
from videostyle.media.image import still
from videostyle.media.video.color import Colors
from videostyle.settings import Gaps

log = logging.getLogger(__name__)

DEFAULT_RATE = Fraction(24)  # images per second
_FIELD = re.compile(r"%(?:0\d)?d|##+")
_PICTURES = (*still.READABLE, *still.UNREAD, ".dpx", ".cin")  # whose names may have a field
_SRGB = Colors(1, 13, 0, 2, rgb=True)  # H.273: BT.709 primaries, sRGB transfer, no matrix, full range


def is_sequence(path: Path) -> bool:
    """Return whether a name stands for numbered images: one %d, %04d or #### in it, and no file of that very name.

    It has the suffix of a picture: `100%done.mp4` is a film.
    """
    named = path.suffix.lower() in _PICTURES or _FIELD.search(path.suffix) is not None
    return named and len(_FIELD.findall(path.name)) == 1 and not path.exists()


def numbered(pattern: Path, number: int) -> Path:
    """Return the file with a number: `shot.%04d.png`, 7 → `shot.0007.png`; a name without a field stays."""
    if not _FIELD.search(pattern.name):
        return pattern
    return pattern.with_name(_FIELD.sub(f"{number:0{_digits(pattern)}d}", pattern.name))


def _digits(pattern: Path) -> int:
    """Return the least number of digits in a name: 4 for `%04d` and `####`, 1 for `%d`."""
    (field,) = _FIELD.findall(pattern.name)
    return len(field) if field.startswith("#") else int(field[1:-1] or 1)


def number_of(pattern: Path, name: str) -> int | None:
    """Return the number that a file of that name has in a sequence; None if it is not part of it."""
    number = _any_number_of(pattern, name)
    return number if number is not None and numbered(pattern, number).name == name else None


def _any_number_of(pattern: Path, name: str) -> int | None:
    """Return the number in a name, however many digits it has."""
    if not _FIELD.search(pattern.name):
        return 0 if name == pattern.name else None
    before, after = _FIELD.split(pattern.name)
    found = re.fullmatch(rf"{re.escape(before)}(\d+){re.escape(after)}", name)
    return int(found[1]) if found else None


def numbers(pattern: Path) -> list[int]:
    """Return the numbers for which there are files, in order."""
    if not pattern.parent.is_dir():
        return []
    found = (number_of(pattern, path.name) for path in pattern.parent.iterdir())
    return sorted(each for each in found if each is not None)


def files(pattern: Path) -> list[Path]:
    """Return all files of a sequence, in order."""
    return [numbered(pattern, number) for number in numbers(pattern)]


def probe(pattern: Path, rate: Fraction = DEFAULT_RATE, gaps: Gaps = "refuse") -> Clip:
    """Read the headers of numbered images.

    Args:
        pattern: For example `shot.%04d.png`.
        rate: Images per second.
        gaps: For a number that is missing the image before it is held, or none is shown, or it is refused.

    Raises:
        UnreadableError: There is none, one between the first and the last is missing, or has another size.

    """
    found = numbers(pattern)
    _warn_of_other_digits(pattern)
    _check_numbers(pattern, found, gaps)
    _check_sizes([numbered(pattern, number) for number in found])
    shown = _held(found) if gaps == "hold" else found
    width, height = still.image_size(numbered(pattern, found[0]))
    return Clip(
        path=pattern,
        stream=0,
        width=width,
        height=height,
        rotation=0,
        time_base=1 / rate,
        rate=rate,
        frames=len(shown),
        start=Fraction(0),
        aspect=Fraction(1),
        colors=_SRGB,
        first_number=found[0],
        file_numbers=tuple(shown),
    )


def _held(found: Sequence[int]) -> list[int]:
    """Return for each number from the first to the last the one that is there, or the last one before it."""
    following = [*found[1:], found[-1] + 1]
    return [number for number, end in zip(found, following, strict=True) for _ in range(number, end)]


def _warn_of_other_digits(pattern: Path) -> None:
    """Log the files whose numbers have other digits than the pattern's, and which are no part of it."""
    names = [path.name for path in pattern.parent.iterdir()] if pattern.parent.is_dir() else []
    others = sorted(n for n in names if _any_number_of(pattern, n) is not None and number_of(pattern, n) is None)
    if others:
        some = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        log.warning("%s is not in %s: other digits; it is left out", some, pattern.name)


def _check_numbers(pattern: Path, found: Sequence[int], gaps: Gaps) -> None:
    if not found:
        raise UnreadableError(pattern, f"there is no file such as {numbered(pattern, 1).name}")
    missing = sorted({*range(found[0], found[-1])}.difference(found))
    if missing and gaps == "refuse":
        first = numbered(pattern, found[0]).name
        raise UnreadableError(
            numbered(pattern, missing[0]),
            f"it is missing between {first} and those after it; --gaps hold or --gaps skip goes on without",
        )
    if missing:
        what = "the picture before is held" if gaps == "hold" else "they are skipped"
        log.warning("missing numbers of %s: %d, the first is %d; %s", pattern, len(missing), missing[0], what)


def _check_sizes(images: Sequence[Path]) -> None:
    expected = still.stored_size(images[0])
    for path in images[1:]:
        size = still.stored_size(path)
        if size != expected:
            sizes = "{}x{}, and {} {}x{}".format(*size, images[0].name, *expected)
            raise UnreadableError(path, f"it is {sizes}; the images of a sequence have one size")


def indices(clip: Clip, span: Span) -> list[int]:
    """Return the indices, from 0, of the images of a sequence that lie in `span`.

    Raises:
        InputError: None does.

    """
    found = span.indices(index / clip.rate for index in range(clip.frames or 0))
    if not found:
        raise InputError(f"no image of {clip.path} lies in the range asked for; it has {_length(clip, span)}")
    return found


def _length(clip: Clip, span: Span) -> str:
    """How long a sequence is, in seconds or images as the range was asked for."""
    frames = clip.frames or 0
    return f"{frames}" if span.start is None and span.end is None else f"{float(frames / clip.rate):.3f} seconds"


def read_frames(clip: Clip, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Frame]:
    """Yield the images of a sequence that lie in `span`, as `reader.read_frames` yields the frames of a video.

    Args:
        clip: From `probe`.
        size: (width, height) of the frames.
        span: Which images; their indices count from 0, whatever their numbers.
        quiet: As for a video; there is nothing to log of an image.

    Raises:
        InputError: No image lies in `span`.
        MediaError: One is damaged.

    """
    for index in indices(clip, span):
        try:
            frame = still.read_frame(numbered(clip.path, clip.file_numbers[index]), size)
        except UnreadableError as error:
            raise MediaError(str(error)) from error
        yield replace(frame, pts=index, time_base=clip.time_base, index=index)


def first_number(clip: Clip) -> int:
    """Return the number of the file that frame 0 of a clip is read from, or written to: 1 for a video file."""
    return 1 if clip.first_number is None else clip.first_number


class SequenceWriter:
    """Writes each frame as a numbered image of its own, there completely or not at all.

    Args:
        path: For example `out.%04d.png`; the suffix says the format.
        first_number: Of the file for the source's frame 0; a range keeps the numbers of the whole.
        comment: How the images were made, for their metadata.
        within: Directory for temporary files, on the same disk; that of the images by default.
        may_replace: Whether a file that is there may be replaced.

    """

    def __init__(
        self,
        path: Path,
        first_number: int,
        comment: str = "",
        within: Path | None = None,
        may_replace: Callable[[Path], bool] = lambda path: True,
    ) -> None:
        self._path, self._first_number, self._comment, self._within = path, first_number, comment, within
        self._may_replace = may_replace

    def write(self, frame: Frame) -> Path:
        """Write one frame, and return its file.

        Raises:
            AppearedError: A file is there that may not be replaced.
            MediaError: The file cannot be made.

        """
        path = numbered(self._path, self._first_number + frame.index)
        replace = path.exists() and self._may_replace(path)
        try:
            still.write_still(path, frame.pixels, self._comment, frame.alpha, self._within, replace=replace)
        except OutputError as error:
            raise MediaError(f"{error}; make room on that disk, or choose another") from error
        return path
