"""What is restyled: a video, numbered images, or a single image. The kind is decided here, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from videostyle.frames import Frame, Span
from videostyle.media import reader, sequence, source
from videostyle.media.audio import soundtrack
from videostyle.media.image import still
from videostyle.media.source import Clip


@dataclass(frozen=True, eq=False)
class VideoContent:
    """A video file."""

    path: Path
    clip: Clip

    @property
    def first_number(self) -> int:
        """Number of the image that its first frame becomes."""
        return 1

    @property
    def has_audio(self) -> bool:
        return soundtrack.has_sound(self.path)

    @property
    def files(self) -> list[Path]:
        return [self.path]

    def read_frames(self, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Frame]:
        """Yield the frames in `span` at `size`, (width, height)."""
        return reader.read_frames(self.clip, size, span, quiet=quiet)


@dataclass(frozen=True, eq=False)
class SequenceContent:
    """Numbered images, `shot.%04d.png`."""

    path: Path
    clip: Clip

    @property
    def first_number(self) -> int:
        """Number of its first image."""
        return sequence.first_number(self.clip)

    @property
    def has_audio(self) -> bool:
        return False

    @property
    def files(self) -> list[Path]:
        return sequence.files(self.path)

    def read_frames(self, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Frame]:
        """Yield the images in `span` at `size`, (width, height)."""
        return sequence.read_frames(self.clip, size, span, quiet=quiet)


@dataclass(frozen=True, eq=False)
class StillContent:
    """A single image whose (width, height) as shown is `size`."""

    path: Path
    size: tuple[int, int]
    clip: None = None

    @property
    def files(self) -> list[Path]:
        return [self.path]

    @property
    def has_audio(self) -> bool:
        return False

    @property
    def first_number(self) -> int:
        return 1

    def read_frames(self, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Frame]:
        """Yield the image at `size`, (width, height)."""
        yield still.read_frame(self.path, size)


Content = VideoContent | SequenceContent | StillContent


def open_content(path: Path, rate: Fraction | None = None) -> Content:
    """Look into a file, or at numbered images.

    Args:
        path: A video, an image, or `shot.%04d.png`.
        rate: Numbered images per second.

    Raises:
        UnreadableError: It cannot be read.

    """
    if sequence.is_sequence(path):
        return SequenceContent(path, sequence.probe(path, rate or sequence.RATE))
    if still.is_still(path):
        return StillContent(path, still.picture_size(path))
    return VideoContent(path, source.probe(path))
