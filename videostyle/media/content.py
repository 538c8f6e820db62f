"""What the user gives as CONTENT: a video file, numbered images or a still image, decided once.

Each kind has the same face: `path`, `size`, `files`, `read_frames`; what only some kinds have, only their class has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

from videostyle.errors import UnreadableError
from videostyle.frames import Frame, Span
from videostyle.media import reader, sequence
from videostyle.media.audio import plan as audio
from videostyle.media.audio.tracks import Track
from videostyle.media.clip import Clip
from videostyle.media.existing import packet_timings
from videostyle.media.image import still
from videostyle.media.probe import probe
from videostyle.settings import Gaps


@dataclass(frozen=True, eq=False)
class VideoContent:
    """A video file.

    Args:
        clip: Its facts.

    """

    clip: Clip

    first_number: ClassVar[int] = 1  # of the file that frame 0 is written to, if the result is numbered images

    @property
    def path(self) -> Path:
        return self.clip.path

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as shown."""
        return self.clip.width, self.clip.height

    @property
    def has_audio(self) -> bool:
        """The file has an audio stream; it is opened to know.

        Raises:
            UnreadableError: The file is not there any more.

        """
        return audio.has_audio(self.path)

    def files(self) -> list[Path]:
        """Return the files that the frames depend on."""
        return [self.path]

    def read_frames(self, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Frame]:
        """Yield the frames in `span`, scaled to (width, height) `size`, as `reader.read_frames` does."""
        return reader.read_frames(self.clip, size, span, quiet=quiet)

    def plan_tracks(self, output: Path, span: Span, only: tuple[str, ...] = (), first: str = "") -> list[Track]:
        """Plan the audio and subtitle tracks of a result, as `audio.plan.plan_tracks` does."""
        return audio.plan_tracks(self.path, output, cut=not span.whole, only=only, first=first)

    def estimate_count(self, span: Span) -> int | None:
        """Estimate how many frames lie in `span`; None if the file does not tell."""
        if self.clip.frames is None:
            return None if span.last is None else span.last - span.first
        begin, end = Fraction(span.first), Fraction(self.clip.frames)
        if span.last is not None:
            end = min(end, Fraction(span.last))
        if span.start is not None:
            begin = max(begin, span.start * self.clip.rate)
        if span.end is not None:
            end = min(end, span.end * self.clip.rate)
        return max(1, round(end - begin))

    def index_range(self, span: Span) -> tuple[int, int | None]:
        """Return the half-open range of frames that may lie in `span`; of a span in seconds, any frame may."""
        return span.first, span.last

    def possible_times(self) -> Iterator[list[Fraction]]:
        """Yield when each frame is shown, in seconds as a span counts them: by the packets; then for sure, by decoding.

        The first list is known at once; what is shown of a damaged video is only known by decoding all of it.
        """
        yield self._seconds(sorted(packet.pts for packet in packet_timings(self.path)))
        yield self._seconds(reader.read_times(self.clip))

    def _seconds(self, ticks: list[int]) -> list[Fraction]:
        return [tick * self.clip.time_base - self.clip.start for tick in ticks]


@dataclass(frozen=True, eq=False)
class SequenceContent:
    """Numbered images as a video: `shot.%04d.png`.

    Args:
        clip: Their facts.

    """

    clip: Clip

    has_audio: ClassVar[bool] = False

    @property
    def path(self) -> Path:
        """The pattern."""
        return self.clip.path

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as shown."""
        return self.clip.width, self.clip.height

    @property
    def first_number(self) -> int:
        """The number of the file of frame 0."""
        return sequence.first_number(self.clip)

    @property
    def is_transparent(self) -> bool:
        """The first image may be transparent somewhere, as its header says."""
        return still.is_transparent(sequence.numbered(self.path, self.first_number))

    def files(self) -> list[Path]:
        """Return the files that the frames depend on, in order."""
        return sequence.files(self.path)

    def read_frames(self, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Frame]:
        """Yield the images in `span`, scaled to (width, height) `size`, as `sequence.read_frames` does."""
        return sequence.read_frames(self.clip, size, span, quiet=quiet)

    def plan_tracks(self, output: Path, span: Span, only: tuple[str, ...] = (), first: str = "") -> list[Track]:
        """Plan the sound that is laid beside the images, if any: it ends with them."""
        sound = self.clip.sound
        return [] if sound is None else audio.plan_sound(sound, output, cut=True, only=only, first=first)

    def estimate_count(self, span: Span) -> int:
        """Count the images in `span`.

        Raises:
            InputError: There is none.

        """
        return len(sequence.indices(self.clip, span))

    def index_range(self, span: Span) -> tuple[int, int]:
        """Return the half-open range of the images in `span`.

        Raises:
            InputError: There is none.

        """
        found = sequence.indices(self.clip, span)
        return found[0], found[-1] + 1

    def possible_times(self) -> Iterator[list[Fraction]]:
        """Yield when each image is shown, in seconds: one list, which is sure."""
        yield [index / self.clip.rate for index in range(self.clip.frames or 0)]


@dataclass(frozen=True, eq=False)
class StillContent:
    """A still image.

    Args:
        path: The file.
        size: (width, height) as shown.

    """

    path: Path
    size: tuple[int, int]

    has_audio: ClassVar[bool] = False

    @property
    def is_transparent(self) -> bool:
        """The image may be transparent somewhere, as its header says."""
        return still.is_transparent(self.path)

    def files(self) -> list[Path]:
        """Return the file that the frame depends on."""
        return [self.path]

    def read_frames(self, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Frame]:
        """Yield the image as one frame, scaled to (width, height) `size`: it is the same at every time of a span.

        Raises:
            UnreadableError: It is damaged.

        """
        yield still.read_frame(self.path, size)


Content = VideoContent | SequenceContent | StillContent


def open_content(path: Path, rate: Fraction | None = None, *, gaps: Gaps = "refuse", moving: bool = False) -> Content:
    """Decide what a path stands for, and read its headers.

    Args:
        path: A file, or a pattern of numbered images.
        rate: Images per second of numbered images; `sequence.DEFAULT_RATE` by default.
        gaps: What becomes of missing numbers, as `sequence.probe` says.
        moving: An animation is wanted whole, as a video, not as its first image.

    Raises:
        UnreadableError: It is not there, it is an address or several images, or it cannot be read.

    """
    if sequence.is_sequence(path):
        return SequenceContent(sequence.probe(path, rate or sequence.DEFAULT_RATE, gaps))
    if re.match(r"[a-z]{2,}:/", str(path)) and not path.exists():
        raise UnreadableError(path, "it is an address; download it first")
    if still.is_many(path):
        raise UnreadableError(path, "it is many images, and one file is wanted here")
    if path.suffix.lower() in still.UNREAD:
        raise UnreadableError(path, f"{path.suffix} pictures are not read; convert it to .png, .jpg or .tif first")
    if still.is_still(path) and not (moving and _is_animation(path)):
        return StillContent(path, still.image_size(path))
    if path.suffix.lower() == ".webp":
        raise UnreadableError(path, "an animated .webp is not read as a film; convert it to .gif or .mp4 first")
    return VideoContent(probe(path))


def _is_animation(path: Path) -> bool:
    """Return whether a file of an image's name is to be read as a video: a GIF always."""
    suffix = path.suffix.lower()
    return suffix == ".gif" or (suffix not in (".tif", ".tiff") and still.count_images(path) > 1)
