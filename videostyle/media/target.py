"""What is made: a video, numbered images, or a single image. The kind is decided here, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from videostyle.media import sequence
from videostyle.media.image import still


@dataclass(frozen=True)
class VideoTarget:
    """A video file."""

    path: Path

    def exists(self) -> bool:
        return self.path.exists()

    def includes(self, path: Path) -> bool:
        """Whether a file is, or would be, the result."""
        return path.resolve() == self.path.resolve()


@dataclass(frozen=True)
class SequenceTarget:
    """Numbered images, `out.%04d.png`."""

    path: Path

    def exists(self) -> bool:
        """Whether some of them are there."""
        return bool(sequence.numbers(self.path))

    def includes(self, path: Path) -> bool:
        """Whether a file is, or would be, one of the results."""
        beside = path.parent.resolve() == self.path.parent.resolve()
        return beside and sequence.number(self.path, path.name) is not None

    def nth(self, number: int) -> Path:
        """The image with a number."""
        return sequence.nth(self.path, number)

    def numbers(self) -> list[int]:
        """The numbers for which there are images, in order."""
        return sequence.numbers(self.path)


@dataclass(frozen=True)
class StillTarget:
    """A single image."""

    path: Path

    def exists(self) -> bool:
        return self.path.exists()

    def includes(self, path: Path) -> bool:
        """Whether a file is, or would be, the result."""
        return path.resolve() == self.path.resolve()


Target = VideoTarget | SequenceTarget | StillTarget


def resolve_target(path: Path) -> Target:
    """Tell by its name what is to be made."""
    if sequence.is_sequence(path):
        return SequenceTarget(path)
    return StillTarget(path) if still.is_still(path) else VideoTarget(path)
