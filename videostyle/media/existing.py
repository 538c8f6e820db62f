"""A finished film, or finished pictures, read again: most of it to stay as it is, a range of it to be made anew."""

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
from videostyle.media import sequence, source
from videostyle.media.audio.tracks import demuxed
from videostyle.media.image import still
from videostyle.media.source import Clip, open_source
from videostyle.media.video import color, hdr
from videostyle.media.video.hdr import HdrMetadata

CLOCK = Fraction(1, 500)  # seconds by which a container may round times: Matroska counts milliseconds


class PacketTiming(NamedTuple):
    """When a packet of a film is shown, how long, where it is found, all in ticks, and if decoding may begin there."""

    pts: int
    duration: int
    found: int
    key: bool


@dataclass(frozen=True, eq=False)
class ExistingVideo:
    """A film that videostyle made.

    Args:
        clip: Its facts.
        packets: Of the film alone, in the order of decoding.

    """

    clip: Clip
    packets: tuple[PacketTiming, ...]

    @classmethod
    def open(cls, path: Path, hdr: HdrMetadata | None = None) -> ExistingVideo:
        """Look into it.

        Args:
            path: Where it is.
            hdr: That its frames were written in, which not every codec can say.

        Raises:
            UnreadableError: It is no film.

        """
        return cls(replace(source.probe(path), hdr=hdr), tuple(packet_timings(path)))

    @cached_property
    def presentation(self) -> list[int]:
        """When each frame is shown, in ticks."""
        return sorted(packet.pts for packet in self.packets)

    @cached_property
    def cut_points(self) -> list[int]:
        """Where it can be cut in two: the packets before show the frames before, and those after the frames after."""
        pts, end = [packet.pts for packet in self.packets], len(self.packets)
        latest, earliest = list(accumulate(pts, max)), list(accumulate(reversed(pts), min))[::-1]
        return [0, *(place for place in range(1, end) if latest[place - 1] < earliest[place]), end]

    @cached_property
    def keyframe_starts(self) -> list[int]:
        """The borders at which decoding may begin."""
        packets = self.packets
        return [n for n in self.cut_points[:-1] if packets[n].key and packets[n].pts == self.presentation[n]]

    def reencoded_range(self, wanted: range) -> range:
        """The frames that must be encoded anew where `wanted` are; the same places among all packets are theirs."""
        first = max(place for place in self.cut_points if place <= wanted.start)
        return range(first, min(place for place in [*self.keyframe_starts, len(self.packets)] if place >= wanted.stop))

    def read(self, places: range) -> Iterator[Pixels]:
        """The frames at some places, (H, W, 3) as they are stored.

        Raises:
            UnreadableError: One cannot be decoded.

        """
        wanted = iter(self.presentation[places.start : places.stop])
        if (due := next(wanted, None)) is None:
            return
        with open_source(self.clip.path) as (container, stream):
            begin = max(place for place in self.keyframe_starts if place <= places.start)
            container.seek(self.packets[begin].found, stream=stream)
            for picture in source.decoded(container, stream, quiet=True):
                if picture.pts != due:
                    continue
                pixels = color.to_pixels(picture, picture.width, picture.height)
                yield pixels if self.clip.hdr is None else hdr.to_display(pixels, self.clip.hdr)
                if (due := next(wanted, None)) is None:
                    return
        raise UnreadableError(self.clip.path, f"its frame at {float(due * self.clip.time_base):.3f} s is damaged")


@dataclass(frozen=True, eq=False)
class ExistingSequence:
    """Numbered pictures that videostyle made; each stands for itself."""

    clip: Clip

    @classmethod
    def open(cls, pattern: Path) -> ExistingSequence:
        """Look at their headers.

        Raises:
            UnreadableError: There are none, or one between the first and the last is missing.

        """
        return cls(sequence.probe(pattern))

    @property
    def presentation(self) -> list[int]:
        return list(range(self.clip.frames or 0))

    def reencoded_range(self, wanted: range) -> range:
        return wanted

    def read(self, places: range) -> Iterator[Pixels]:
        """The pictures at some places, (H, W, 3)."""
        size = self.clip.width, self.clip.height
        for place in places:
            yield still.read_frame(sequence.nth(self.clip.path, sequence.first_number(self.clip) + place), size).pixels


Existing = ExistingVideo | ExistingSequence


def find_existing(path: Path, hdr: HdrMetadata | None) -> Existing:
    """What was finished under a name, from a source of a certain light."""
    return ExistingSequence.open(path) if sequence.is_sequence(path) else ExistingVideo.open(path, hdr)


def packet_timings(path: Path) -> Iterator[PacketTiming]:
    """The packets of a film's pictures, in the order of decoding."""
    with open_source(path) as (container, stream):
        for packet in demuxed(container, stream):
            if is_picture(packet) and packet.pts is not None:
                found = packet.pts if packet.dts is None else min(packet.pts, packet.dts)
                yield PacketTiming(packet.pts, packet.duration or 0, found, packet.is_keyframe)


def is_picture(packet: Packet[Any]) -> bool:
    """Whether a packet of a film is one that is shown."""
    return packet.pts is not None and packet.size > 0 and not packet.is_discard
