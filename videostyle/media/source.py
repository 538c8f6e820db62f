"""What a video file is, told before any work is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from videostyle.errors import InputError, UnreadableError
from videostyle.media.color import Colors

_DECODER_THREADS = 2


@dataclass(frozen=True, eq=False)
class Clip:
    """Facts of a video source.

    Args:
        path: The file.
        stream: Index of its film among all streams; cover art is never the film.
        width, height: As shown, after rotation.
        rotation: Degrees counter-clockwise that the stored picture is turned by to show it: 0, 90, 180 or 270.
        time_base: Of the frames' timestamps.
        rate: Average frames per second, for progress and encoder hints only.
        frames: Estimate of how many frames there are, for progress only; None where nothing tells.
        start: Seconds at which the file's clock starts; ranges in seconds count from here.
        aspect: Sample aspect ratio as shown.
        colors: Of the stored picture.
        first: Number of the first file of a sequence of pictures; None for a film.

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
    first: int | None = None


@dataclass(frozen=True)
class Span:
    """Which frames are wanted: half-open, by number or by time; the whole clip by default."""

    first: int = 0
    last: int | None = None
    start: Fraction | None = None
    end: Fraction | None = None

    def __post_init__(self) -> None:
        if self.first < 0 or (self.last is not None and self.last <= self.first):
            raise InputError(f"the range {self.first}:{self.last} holds no frame; say A:B with B greater than A")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise InputError("--end must lie after --start")

    @property
    def whole(self) -> bool:
        return self == Span()

    def begun(self, index: int, seconds: Fraction) -> bool:
        """Whether a frame lies at or after the beginning."""
        return index >= self.first and (self.start is None or seconds >= self.start)

    def ended(self, index: int, seconds: Fraction) -> bool:
        """Whether a frame lies at or after the end, as do all that follow."""
        past_last = self.last is not None and index >= self.last
        return past_last or (self.end is not None and seconds >= self.end)


def probe(path: Path) -> Clip:
    """Look into a video file, as far as its first frame.

    Raises:
        UnreadableError: It cannot be opened or decoded, or has no film.

    """
    with open_source(path) as (container, stream):
        picture = next(container.decode(stream), None)
        if picture is None or picture.time_base is None:
            raise UnreadableError(path, "it has a video stream without a single frame")
        rotation = round(picture.rotation / 90) * 90 % 360
        size = picture.width, picture.height
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        turned = rotation % 180 == 90
        return Clip(
            path=path,
            stream=stream.index,
            width=size[1] if turned else size[0],
            height=size[0] if turned else size[1],
            rotation=rotation,
            time_base=picture.time_base,
            rate=rate,
            frames=stream.frames or _estimated_frames(container, stream, rate),
            start=Fraction(container.start_time or 0, 1_000_000),
            aspect=1 / aspect if turned else aspect,
            colors=Colors.of(picture),
        )


def read_comment(path: Path) -> str:
    """What a video file says about how it was made; empty if it says nothing, or is no video."""
    try:
        with open_source(path) as (container, _):
            return container.metadata.get("comment", "")
    except UnreadableError:
        return ""


@contextmanager
def open_source(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and its film; only local files, and no protocol that a playlist could smuggle in.

    Raises:
        UnreadableError: There is no such file, it is no video, or decoding it failed.

    """
    if not path.is_file():
        raise UnreadableError(path, "there is no such file" if not path.exists() else "it is no file")
    try:
        with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
            films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
            if not films:
                raise UnreadableError(path, "it has no video stream")
            stream = next((s for s in films if s.disposition & Disposition.default), films[0])
            stream.codec_context.thread_type = "SLICE"  # frame threads can hang beside torch
            stream.codec_context.thread_count = _DECODER_THREADS
            yield container, stream
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableError(path, _reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, av.error.InvalidDataError):
        return "it is no video, or its index is missing because a recording or download was not finished"
    return getattr(error, "strerror", None) or str(error)


def _estimated_frames(container: InputContainer, stream: VideoStream, rate: Fraction) -> int | None:
    if stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * rate)
    if container.duration:
        return round(Fraction(container.duration, 1_000_000) * rate)
    return None
