"""A segment's packets as a file: one closed run of the encoder, to be joined with others later.

A segment starts with a keyframe and refers to nothing outside, so that segments made at different times, or on
different machines, play as one video. Decode times are not stored: the joined video has its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from av import Packet

from videostyle.errors import MediaError
from videostyle.frames import Frame
from videostyle.media.clip import Clip
from videostyle.media.encoder import Encoder
from videostyle.media.ffmpeg import ffmpeg_errors
from videostyle.media.timestamps import decode_times
from videostyle.media.video.codecs import Encoding

_HEADER = struct.Struct("<qqQ?")


class PacketHeader(NamedTuple):
    """What is stored before a packet: pts and duration in ticks of the source, size in bytes, whether a keyframe."""

    pts: int
    duration: int
    size: int
    keyframe: bool


@dataclass(frozen=True)
class PacketFile:
    """A file from `PacketFileWriter`; both methods raise MediaError if it is damaged."""

    path: Path

    def headers(self) -> Iterator[PacketHeader]:
        """Yield the headers of all packets, in decoding order."""
        with self.path.open("rb") as file:
            while header := self._next(file):
                yield header
                file.seek(header.size, 1)

    def packets(self, time_base: Fraction) -> Iterator[Packet[Any]]:
        """Yield all packets, in decoding order and without decode times."""
        with self.path.open("rb") as file:
            while header := self._next(file):
                packet = Packet(file.read(header.size))
                packet.pts, packet.duration, packet.time_base = header.pts, header.duration, time_base
                packet.is_keyframe = header.keyframe
                yield packet

    def _next(self, file: BinaryIO) -> PacketHeader | None:
        data = file.read(_HEADER.size)
        if data and len(data) < _HEADER.size:
            raise MediaError(f"{self.path} is damaged; start again with --resume")
        return PacketHeader(*_HEADER.unpack(data)) if data else None


class PacketFileWriter:
    """Encodes the frames of a segment into a packet file; a context manager.

    Args:
        path: Where the packets go.
        clip: The source.
        size: (width, height) of the frames to come.
        encoding: From `codecs.choose`.

    """

    def __init__(self, path: Path, clip: Clip, size: tuple[int, int], encoding: Encoding) -> None:
        self._path, self._encoder = path, Encoder(clip, size, encoding)
        self._file = path.open("wb")

    def write(self, frame: Frame) -> None:
        """Encode one frame; the next one must be the next of the clip.

        Raises:
            MediaError: A frame between the last one and this is missing, or encoding failed.
            OSError: The disk refuses the packets.

        """
        with ffmpeg_errors(self._path):
            packets = self._encoder.encode(frame)
        self._store(packets)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is None:
                with ffmpeg_errors(self._path):
                    packets = self._encoder.flush()
                self._store(packets)

    def _store(self, packets: Iterable[Packet[Any]]) -> None:
        for packet in packets:
            data = bytes(packet)
            self._file.write(_HEADER.pack(packet.pts, packet.duration or 0, len(data), packet.is_keyframe))
            self._file.write(data)


def join_packets(files: Iterable[PacketFile], time_base: Fraction) -> Iterator[Packet[Any]]:
    """Yield the packets of segments that follow one another as those of one video, with pts and dts.

    Args:
        files: In the order of the segments.
        time_base: Seconds per tick of the source.

    """
    segments = list(files)
    dts = iter(decode_times([header.pts for segment in segments for header in segment.headers()]))
    for segment in segments:
        for packet in segment.packets(time_base):
            packet.dts = next(dts)
            yield packet
