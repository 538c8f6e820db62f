"""What is known of a video, or of numbered images, before any frame of it is styled."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from videostyle.media.video.color import Colors
from videostyle.media.video.hdr import HdrMetadata


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
        mirrored: The turned frame is shown with left and right exchanged.
        origin: Seconds on the file's clock that become 0 in a result of the whole clip.
        hdr: Luminance of a PQ video; None for any other.
        constant_rate: The first frames are equally far apart.

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
    origin: Fraction = Fraction(0)
    hdr: HdrMetadata | None = None
    constant_rate: bool = True

    @property
    def is_sequence(self) -> bool:
        """Numbered images, which have no container: no audio, no tags, no chapters."""
        return self.first_number is not None

    @property
    def usual_duration(self) -> int:
        """Ticks between two frames at the average rate, at least 1."""
        return max(1, round(1 / (self.rate * self.time_base)))
