"""What is known of a video, or of numbered images, before any frame of it is styled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from videostyle.errors import InputError
from videostyle.frames import Span
from videostyle.media.marks import Marks
from videostyle.media.video.color import Colors
from videostyle.media.video.hdr import HdrMetadata
from videostyle.timecode import Timecode, frames_between


@dataclass(frozen=True, eq=False)
class Clip:
    """A source of frames.

    Args:
        path: The file; of numbered images their pattern, `shot.%04d.png`.
        stream: Index of the video stream among all streams of the file; cover art is never the video.
        width, height: Pixels as shown, after rotation.
        rotation: Degrees counter-clockwise by which a stored frame is turned to be shown: 0, 90, 180 or 270.
        time_base: Seconds per tick of the frames' timestamps.
        rate: Average frames per second, for progress and encoder hints only.
        frames: Estimated count, for progress only; None if the file does not tell.
        start: Seconds at which the file's clock starts; ranges in seconds count from here.
        aspect: Sample aspect ratio as shown.
        colors: Of a stored frame.
        first_number: Number of the first file of an image sequence; None for a video file.
        file_numbers: Number of the file of each frame of an image sequence; one may be held for several.
        mirrored: The turned frame is shown with left and right exchanged.
        origin: Seconds on the file's clock that become 0 in a result of the whole clip.
        hdr: Luminance of a PQ video; None for any other.
        constant_rate: The first frames are equally far apart.
        first: Seconds on the file's clock at which the first frame is shown.
        timecode: Of the first frame; None if the file says none.
        reel: Name of the reel that the timecode counts on.
        sound: A file whose sound is laid beside numbered images.
        marks: What the file says of the picture: 3D, 360° and the like.

    """

    path: Path
    stream: int
    width: int
    height: int
    rotation: int
    time_base: Fraction
    rate: Fraction
    frames: int | None
    start: Fraction
    aspect: Fraction
    colors: Colors
    first_number: int | None = None
    mirrored: bool = False
    file_numbers: tuple[int, ...] = ()
    origin: Fraction = Fraction(0)
    hdr: HdrMetadata | None = None
    constant_rate: bool = True
    first: Fraction = Fraction(0)
    timecode: Timecode | None = None
    reel: str = ""
    sound: Path | None = None
    marks: Marks = Marks()

    @property
    def is_sequence(self) -> bool:
        """Numbered images, which have no container: no audio, no tags, no chapters."""
        return self.first_number is not None

    @property
    def usual_duration(self) -> int:
        """Ticks between two frames at the average rate, at least 1."""
        return max(1, round(1 / (self.rate * self.time_base)))

    @property
    def frames_per_second(self) -> int:
        """The whole number that timecode counts by: 30 at 29.97."""
        return max(1, round(self.rate))

    def timecode_at(self, seconds: Fraction) -> Timecode | None:
        """Return the timecode of the frame that is shown at so many seconds on the file's clock."""
        if self.timecode is None:
            return None
        return self.timecode.moved(round((seconds - self.first) * self.rate), self.frames_per_second)

    def resolved(self, span: Span) -> Span:
        """Return a span whose timecodes, if any, have become seconds.

        Raises:
            InputError: The clip has no timecode, or not that one.

        """
        if span.start_code is None and span.end_code is None:
            return span
        return replace(
            span,
            start=span.start if span.start_code is None else self._seconds(span.start_code),
            end=span.end if span.end_code is None else self._seconds(span.end_code),
            start_code=None,
            end_code=None,
        )

    def _seconds(self, code: Timecode) -> Fraction:
        """Return the seconds, since the beginning of the clip, half a frame before a timecode is shown."""
        if self.timecode is None:
            raise InputError(f"{self.path} has no timecode; say --start and --end as seconds or HH:MM:SS.mmm")
        rate = self.frames_per_second
        frames = frames_between(self.timecode, replace(code, drop=self.timecode.drop), rate)
        if self.frames is not None and frames > self.frames + rate:
            raise InputError(f"{code} is not in {self.path}, whose {self.frames} frames begin at {self.timecode}")
        return self.first - self.start + (frames - Fraction(1, 2)) / self.rate
