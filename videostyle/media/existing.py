"""A finished video or finished numbered images, read again: a range is rendered again, and the rest stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from av import Packet

from videostyle.errors import UnreadableError
from videostyle.frames import Pixels
from videostyle.media import sequence
from videostyle.media.clip import Clip
from videostyle.media.demux import Demuxer, decoded, open_source
from videostyle.media.image import still
from videostyle.media.probe import probe
from videostyle.media.video import color, hdr
from videostyle.media.video.hdr import HdrMetadata

TIME_TOLERANCE = Fraction(1, 500)  # seconds by which a container may round times: Matroska counts milliseconds


class PacketTiming(NamedTuple):
    """A video packet's pts, duration and the time to seek to for it, all in ticks, and whether it is a keyframe."""

    pts: int
    duration: int
    seek: int
    keyframe: bool


@dataclass(frozen=True, eq=False)
class ExistingVideo:
    """A video file that videostyle made.

    Args:
        clip: Its facts.
        packets: Of the video stream, in decoding order.

    """

    clip: Clip
    packets: tuple[PacketTiming, ...]

    @classmethod
    def open(cls, path: Path, hdr: HdrMetadata | None = None) -> ExistingVideo:
        """Read the headers and the packets' timestamps.

        Args:
            path: Of the file.
            hdr: Metadata that its frames were written with, which not every codec can store.

        Raises:
            UnreadableError: It is no video.

        """
        return cls(replace(probe(path), hdr=hdr), tuple(packet_timings(path)))

    @cached_property
    def presentation(self) -> list[int]:
        """When each frame is shown, in ticks."""
        return sorted(packet.pts for packet in self.packets)

    @cached_property
    def cut_points(self) -> list[int]:
        """Where the packets can be cut in two: those before show the frames before, and those after the others."""
        pts, end = [packet.pts for packet in self.packets], len(self.packets)
        latest, earliest = list(accumulate(pts, max)), list(accumulate(reversed(pts), min))[::-1]
        return [0, *(index for index in range(1, end) if latest[index - 1] < earliest[index]), end]

    @cached_property
    def keyframe_starts(self) -> list[int]:
        """The cut points at which decoding may begin."""
        packets = self.packets
        return [n for n in self.cut_points[:-1] if packets[n].keyframe and packets[n].pts == self.presentation[n]]

    def reencoded_range(self, wanted: range) -> range:
        """Return the frames that must be encoded again so that `wanted` can be replaced.

        Packets with the same indices, in decoding order, hold these frames and no others.
        """
        start = max(index for index in self.cut_points if index <= wanted.start)
        stop = min(index for index in [*self.keyframe_starts, len(self.packets)] if index >= wanted.stop)
        return range(start, stop)

    def file(self, index: int) -> Path:
        """Return the file that holds a frame: the same for all."""
        return self.clip.path

    def read(self, indices: range) -> Iterator[Pixels]:
        """Yield the frames with these indices, (H, W, 3), as they are stored.

        Raises:
            UnreadableError: One cannot be decoded.

        """
        wanted = iter(self.presentation[indices.start : indices.stop])
        if (due := next(wanted, None)) is None:
            return
        with open_source(self.clip.path) as (container, stream):
            start = max(index for index in self.keyframe_starts if index <= indices.start)
            container.seek(self.packets[start].seek, stream=stream)
            for frame in decoded(container, stream, quiet=True):
                if frame.pts != due:
                    continue
                pixels = color.to_pixels(frame, frame.width, frame.height)
                yield pixels if self.clip.hdr is None else hdr.to_display(pixels, self.clip.hdr)
                if (due := next(wanted, None)) is None:
                    return
        raise UnreadableError(self.clip.path, f"its frame at {float(due * self.clip.time_base):.3f} s is damaged")


@dataclass(frozen=True, eq=False)
class ExistingSequence:
    """Numbered images that videostyle made; each stands for itself."""

    clip: Clip

    @classmethod
    def open(cls, pattern: Path) -> ExistingSequence:
        """Read their headers.

        Raises:
            UnreadableError: There are none, or one between the first and the last is missing.

        """
        return cls(sequence.probe(pattern))

    @property
    def presentation(self) -> list[int]:
        """When each image is shown, in ticks."""
        return list(range(self.clip.frames or 0))

    def reencoded_range(self, wanted: range) -> range:
        """Return `wanted`: no image depends on another one."""
        return wanted

    def file(self, index: int) -> Path:
        """Return the file of the image with this index."""
        return sequence.numbered(self.clip.path, sequence.first_number(self.clip) + index)

    def read(self, indices: range) -> Iterator[Pixels]:
        """Yield the images with these indices, (H, W, 3).

        Raises:
            UnreadableError: One cannot be decoded.

        """
        for index in indices:
            yield still.read_frame(self.file(index), (self.clip.width, self.clip.height)).pixels


Existing = ExistingVideo | ExistingSequence


def packet_timings(path: Path) -> Iterator[PacketTiming]:
    """Yield the timing of every packet of a video stream that is shown, in decoding order."""
    with open_source(path) as (container, stream):
        for packet in Demuxer(container, stream):
            if is_shown(packet) and packet.pts is not None:
                seek = packet.pts if packet.dts is None else min(packet.pts, packet.dts)
                yield PacketTiming(packet.pts, packet.duration or 0, seek, packet.is_keyframe)


def is_shown(packet: Packet[Any]) -> bool:
    """Return whether a packet of a video stream holds a frame that is shown."""
    return packet.pts is not None and packet.size > 0 and not packet.is_discard
