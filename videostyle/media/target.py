"""What the user gives as OUTPUT: a video file, numbered images, a still image or a directory, decided once.

Each kind has the same face: `path`, `exists`, `files`, `includes`; what only some kinds have, only their class has.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from videostyle.errors import OutputError
from videostyle.media import sequence
from videostyle.media.existing import ExistingSequence, ExistingVideo
from videostyle.media.files import resolve_link
from videostyle.media.image import still
from videostyle.media.video.hdr import HdrMetadata


@dataclass(frozen=True)
class VideoTarget:
    """A video file; `codecs.choose` checks its suffix."""

    path: Path

    keeps_alpha: ClassVar[bool] = False

    def exists(self) -> bool:
        return self.path.exists()

    def files(self) -> list[Path]:
        """Return the file if it exists."""
        return _existing(self.path)

    def includes(self, path: Path) -> bool:
        """Return whether a path leads to the file, there or not."""
        return _is_same(self.path, path)

    def open_existing(self, hdr: HdrMetadata | None = None) -> ExistingVideo:
        """Open the finished video, as `ExistingVideo.open` does."""
        return ExistingVideo.open(self.path, hdr)


@dataclass(frozen=True)
class SequenceTarget:
    """Numbered images: `out.%04d.png`."""

    path: Path

    def check_suffix(self) -> None:
        """See that images are written with this suffix.

        Raises:
            OutputError: They are not.

        """
        _check_image_suffix(self.path)

    @property
    def keeps_alpha(self) -> bool:
        """Images of this suffix can be transparent."""
        return still.keeps_alpha(self.path)

    def exists(self) -> bool:
        """Return whether any of the images exists."""
        return bool(sequence.numbers(self.path))

    def numbers(self) -> list[int]:
        """Return the numbers of the files that exist, in order."""
        return sequence.numbers(self.path)

    def files(self) -> list[Path]:
        """Return the files that exist, in order."""
        return sequence.files(self.path)

    def file(self, number: int) -> Path:
        """Return the file with a number."""
        return sequence.numbered(self.path, number)

    def frame_files(self, first_number: int, indices: Iterable[int]) -> list[Path]:
        """Return the files that frames are written to.

        Args:
            first_number: Of the content: the number for frame 0.
            indices: Of the frames.

        """
        return [self.file(first_number + index) for index in indices]

    def includes(self, path: Path) -> bool:
        """Return whether a path is the file of some number, there or not."""
        same_folder = path.parent.resolve() == self.path.parent.resolve()
        return same_folder and sequence.number_of(self.path, path.name) is not None

    def open_existing(self, hdr: HdrMetadata | None = None) -> ExistingSequence:
        """Open the finished images, as `ExistingSequence.open` does; images are never HDR."""
        return ExistingSequence.open(self.path)


@dataclass(frozen=True)
class StillTarget:
    """A still image."""

    path: Path

    def check_suffix(self) -> None:
        """See that images are written with this suffix.

        Raises:
            OutputError: They are not.

        """
        _check_image_suffix(self.path)

    @property
    def keeps_alpha(self) -> bool:
        """Images of this suffix can be transparent."""
        return still.keeps_alpha(self.path)

    def exists(self) -> bool:
        return self.path.exists()

    def files(self) -> list[Path]:
        """Return the file if it exists."""
        return _existing(self.path)

    def includes(self, path: Path) -> bool:
        """Return whether a path leads to the file, there or not."""
        return _is_same(self.path, path)


@dataclass(frozen=True)
class FolderTarget:
    """A directory for several images; it need not be there yet."""

    path: Path

    def check(self) -> None:
        """See that files can be written there, once it is made.

        Raises:
            OutputError: It is a file, or the user may not write to it.

        """
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(self.path, "it is a file; name another directory")
        if self.path.is_dir() and not os.access(self.path, os.W_OK):
            raise OutputError(self.path, "you may not write to that directory; choose another")

    def exists(self) -> bool:
        return self.path.is_dir()

    def files(self) -> list[Path]:
        """Return the files in the directory, sorted."""
        return sorted(path for path in self.path.iterdir() if path.is_file()) if self.exists() else []

    def includes(self, path: Path) -> bool:
        """Return whether a path lies in the directory, there or not."""
        return path.parent.resolve() == self.path.resolve()


Target = VideoTarget | SequenceTarget | StillTarget | FolderTarget


def resolve_target(path: Path | str) -> Target:
    """Decide what a path stands for; a symbolic link stands for the file that it points to.

    Args:
        path: A file, a pattern of numbered images, or a directory: one that exists, or a string that ends in a slash.

    """
    ends_in_slash = str(path).endswith(("/", os.sep))
    path = Path(path)
    if ends_in_slash or path.is_dir():
        return FolderTarget(path)
    if sequence.is_sequence(path):
        return SequenceTarget(path)
    path = resolve_link(path)
    return StillTarget(path) if still.is_still(path) else VideoTarget(path)


def _check_image_suffix(path: Path) -> None:
    if path.suffix.lower() not in still.WRITABLE:
        raise OutputError(path, f"an image is written as one of {', '.join(still.WRITABLE)}")


def _existing(path: Path) -> list[Path]:
    return [path] if path.exists() else []


def _is_same(path: Path, other: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)
