"""What is in a media file, read with nothing of ours: PyAV alone, and ffprobe for a second opinion where there is one.

`python -m tests.helpers.facts FILE` prints it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sound:
    """One sound track; `packets` is a hash of what is stored, `begin` and `end` are seconds of what is heard."""

    codec: str
    language: str
    title: str
    default: bool
    begin: Fraction
    end: Fraction
    packets: str


@dataclass(frozen=True)
class Facts:
    """A file as a player shows it. Times are exact seconds, pictures upright RGB."""

    codec: str
    pixel_format: str
    times: list[Fraction]
    last: Fraction
    pictures: list[NDArray[np.uint8]]
    aspect: Fraction
    tags: tuple[int, int, int, int]
    start: Fraction
    duration: Fraction
    sounds: list[Sound]
    subtitles: list[str]
    chapters: list[tuple[Fraction, Fraction, str]]
    metadata: dict[str, str]
    streams: list[str] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the first picture."""
        height, width = self.pictures[0].shape[:2]
        return width, height

    @property
    def end(self) -> Fraction:
        """When the last picture is taken away."""
        return self.times[-1] + self.last


def facts(path: Path, *, keep: int | None = None) -> Facts:
    """Read all of a file; `keep` limits how many pictures are kept."""
    with av.open(str(path), metadata_errors="replace") as container:
        film = _film(container)
        film.thread_type = "SLICE"
        times, pictures, last = [], [], Fraction(0)
        first = None
        for frame in _frames(container, film):
            first = first or frame
            times.append(frame.pts * frame.time_base)
            if keep is None or len(pictures) < keep:
                pictures.append(_upright(frame))
            last = (frame.duration or 0) * frame.time_base
        aspect = film.sample_aspect_ratio or Fraction(1)
        sideways = first is not None and first.rotation % 180 == 90
        return Facts(
            codec=film.codec_context.name,
            pixel_format=film.codec_context.pix_fmt,
            times=times,
            last=last,
            pictures=pictures,
            aspect=1 / aspect if sideways else aspect,
            tags=(first.color_primaries, first.color_trc, first.colorspace, first.color_range),
            start=Fraction(container.start_time or 0, 1_000_000),
            duration=Fraction(container.duration or 0, 1_000_000),
            sounds=[_sound(path, stream.index) for stream in container.streams.audio],
            subtitles=[stream.codec_context.name for stream in container.streams.subtitles],
            chapters=[
                (c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"].get("title", ""))
                for c in container.chapters()
            ],
            metadata=dict(container.metadata),
            streams=[stream.type for stream in container.streams],
        )


def _frames(container: av.container.InputContainer, film: av.VideoStream) -> Iterator[av.VideoFrame]:
    """All that can be decoded of a file that may be damaged."""
    try:
        for packet in container.demux(film):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                continue
    except av.error.FFmpegError:
        yield from film.decode(None)


def _film(container: av.container.InputContainer) -> av.VideoStream:
    flag = av.stream.Disposition
    films = [s for s in container.streams.video if not s.disposition & flag.attached_pic]
    return next((s for s in films if s.disposition & flag.default), films[0])


def _upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
    picture = frame.to_ndarray(format="rgb24")
    matrix = next((bytes(d) for d in frame.side_data if d.type.name == "DISPLAYMATRIX"), None)
    if matrix is None:
        return picture
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5]
    if abs(b) > abs(a):  # rows become columns
        picture, right, down = picture.transpose(1, 0, 2), c, b
    else:
        right, down = a, d
    return picture[:: 1 if down > 0 else -1, :: 1 if right > 0 else -1]


def _sound(path: Path, index: int) -> Sound:
    digest, begin, end = hashlib.md5(), None, Fraction(0)
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams[index]
        said = stream.metadata
        try:
            for packet in container.demux(stream):
                digest.update(bytes(packet))
                for frame in packet.decode():
                    if frame.pts is not None:
                        at = frame.pts * frame.time_base
                        begin = at if begin is None else begin
                        end = max(end, at + Fraction(frame.samples, frame.sample_rate))
        except av.error.FFmpegError:
            pass
        return Sound(
            stream.codec_context.name,
            said.get("language", "und"),
            said.get("title") or said.get("name") or "",
            bool(stream.disposition & av.stream.Disposition.default),
            begin or Fraction(0),
            end,
            digest.hexdigest(),
        )


def probed_times(path: Path) -> list[float] | None:
    """The frames' times as ffprobe sees them; None where there is no ffprobe."""
    if shutil.which("ffprobe") is None:
        return None
    words = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pts_time", "-of", "json"]
    said = subprocess.run([*words, str(path)], capture_output=True, text=True, check=True).stdout
    return [float(frame["pts_time"]) for frame in json.loads(said)["frames"]]


if __name__ == "__main__":
    found = facts(Path(sys.argv[1]), keep=0)
    for name, value in vars(found).items():
        print(f"{name}: {[float(t) for t in value] if name == 'times' else value}")
