"""A stretch of film as a file of packets: one closed run of the encoder, to be joined with others later.

A run starts with a keyframe and refers to nothing outside, so that runs made at different times, or on different
machines, play as one film. Decode times are not kept: the joined film has its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

from av import Packet

from videostyle.errors import MediaError
from videostyle.frames import Frame
from videostyle.media.source import Clip
from videostyle.media.video.codecs import Encoding
from videostyle.media.writer import VideoWriter, ffmpeg_errors

_HEADER = struct.Struct("<qqQ?")


class Times(NamedTuple):
    """When a packet is shown and for how long, in ticks of the source, its size in bytes, and if it is a keyframe."""

    pts: int
    duration: int
    size: int
    key: bool


class RunWriter(VideoWriter):
    """Encodes frames as `VideoWriter` does, and writes the bare packets to `file`; a context manager.

    Args:
        path: Of the film to come, or another of its suffix in a directory that may be written to.
        clip, size, codec: As for `VideoWriter`.
        file: Where the packets go.

    """

    def __init__(self, path: Path, clip: Clip, size: tuple[int, int], codec: str | Encoding, file: BinaryIO) -> None:
        super().__init__(path, clip, size, codec, [])
        self._file = file
        self._ready: list[Packet[Any]] = []

    def write(self, frame: Frame) -> None:
        """Encode one frame; the next one must be later."""
        super().write(frame)
        self._store()

    def _mux(self, packet: Packet[Any]) -> None:
        self._ready.append(packet)

    def _store(self) -> None:
        for packet in self._ready:
            if packet.pts is None:
                raise MediaError(f"the encoder of {self._path} gave a packet without a time; choose another --codec")
            data = bytes(packet)
            pts = packet.pts + round((self._begin or Fraction(0)) / packet.time_base)
            self._file.write(_HEADER.pack(pts, packet.duration or 0, len(data), packet.is_keyframe))
            self._file.write(data)
        self._ready.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with ffmpeg_errors(self._path):
                    self._drain()
                self._store()
        finally:
            self._abandon()


def times(path: Path) -> Iterator[Times]:
    """What a file of packets holds, in the order of decoding."""
    with path.open("rb") as file:
        while found := _next(file, path):
            yield found
            file.seek(found.size, 1)


def packets(paths: Iterable[Path], time_base: Fraction) -> Iterator[tuple[Packet[Any], int, int]]:
    """The packets of runs that follow one another, as those of one film, with their PTS and DTS."""
    runs = list(paths)
    decoded = iter(decode_times([found.pts for path in runs for found in times(path)]))
    for path in runs:
        with path.open("rb") as file:
            while found := _next(file, path):
                packet = Packet(file.read(found.size))
                packet.duration, packet.time_base, packet.is_keyframe = found.duration, time_base, found.key
                yield packet, found.pts, next(decoded)


def reordering(shown: Sequence[int]) -> int:
    """How many frames ahead of being shown packets have to be decoded, for their times in the order of decoding."""
    places = {pts: place for place, pts in enumerate(sorted(shown))}
    return max((number - places[pts] for number, pts in enumerate(shown)), default=0)


def decode_times(shown: Sequence[int], least: int = 0) -> list[int]:
    """When each packet is decoded, for the times at which they are shown, in the order of decoding.

    As encoders do it within a run: the n-th packet at the time of the frame that is shown `delay` before the n-th, but
    at `least` so many. The times rise, and none is later than its packet is shown.
    """
    ordered = sorted(shown)
    delay = max(least, reordering(shown))
    ahead = [ordered[number] - (ordered[delay] - ordered[0]) for number in range(delay)]
    return ahead + ordered[: len(ordered) - delay]


def _next(file: BinaryIO, path: Path) -> Times | None:
    header = file.read(_HEADER.size)
    if header and len(header) < _HEADER.size:
        raise MediaError(f"{path} is damaged; start again with --resume")
    return Times(*_HEADER.unpack(header)) if header else None
