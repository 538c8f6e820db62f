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
from videostyle.media import color, hdr, sequence, source, still
from videostyle.media.hdr import Light
from videostyle.media.source import Clip, open_source
from videostyle.media.tracks import demuxed

CLOCK = Fraction(1, 500)  # seconds by which a container may round times: Matroska counts milliseconds


class Packed(NamedTuple):
    """When a packet of a film is shown, how long, where it is found, all in ticks, and if decoding may begin there."""

    pts: int
    duration: int
    found: int
    key: bool


@dataclass(frozen=True, eq=False)
class FinishedFilm:
    """A film that videostyle made.

    Args:
        clip: Its facts.
        packets: Of the film alone, in the order of decoding.

    """

    clip: Clip
    packets: tuple[Packed, ...]

    @classmethod
    def of(cls, path: Path, light: Light | None = None) -> FinishedFilm:
        """Look into it.

        Args:
            path: Where it is.
            light: That its frames were written in, which not every codec can say.

        Raises:
            UnreadableError: It is no film.

        """
        return cls(replace(source.probe(path), light=light), tuple(packed(path)))

    @cached_property
    def shown(self) -> list[int]:
        """When each frame is shown, in ticks."""
        return sorted(packet.pts for packet in self.packets)

    @cached_property
    def borders(self) -> list[int]:
        """Where it can be cut in two: the packets before show the frames before, and those after the frames after."""
        pts, end = [packet.pts for packet in self.packets], len(self.packets)
        latest, earliest = list(accumulate(pts, max)), list(accumulate(reversed(pts), min))[::-1]
        return [0, *(place for place in range(1, end) if latest[place - 1] < earliest[place]), end]

    @cached_property
    def beginnings(self) -> list[int]:
        """The borders at which decoding may begin."""
        packets = self.packets
        return [n for n in self.borders[:-1] if packets[n].key and packets[n].pts == self.shown[n]]

    def touched(self, wanted: range) -> range:
        """The frames that must be encoded anew where `wanted` are; the same places among all packets are theirs."""
        first = max(place for place in self.borders if place <= wanted.start)
        return range(first, min(place for place in [*self.beginnings, len(self.packets)] if place >= wanted.stop))

    def read(self, places: range) -> Iterator[Pixels]:
        """The frames at some places, (H, W, 3) as they are stored.

        Raises:
            UnreadableError: One cannot be decoded.

        """
        wanted = iter(self.shown[places.start : places.stop])
        if (due := next(wanted, None)) is None:
            return
        with open_source(self.clip.path) as (container, stream):
            begin = max(place for place in self.beginnings if place <= places.start)
            container.seek(self.packets[begin].found, stream=stream)
            for picture in source.decoded(container, stream, quiet=True):
                if picture.pts != due:
                    continue
                pixels = color.to_pixels(picture, picture.width, picture.height)
                yield pixels if self.clip.light is None else hdr.to_display(pixels, self.clip.light)
                if (due := next(wanted, None)) is None:
                    return
        raise UnreadableError(self.clip.path, f"its frame at {float(due * self.clip.time_base):.3f} s is damaged")


@dataclass(frozen=True, eq=False)
class FinishedPictures:
    """Numbered pictures that videostyle made; each stands for itself."""

    clip: Clip

    @classmethod
    def of(cls, pattern: Path) -> FinishedPictures:
        """Look at their headers.

        Raises:
            UnreadableError: There are none, or one between the first and the last is missing.

        """
        return cls(sequence.probe(pattern))

    @property
    def shown(self) -> list[int]:
        return list(range(self.clip.frames or 0))

    def touched(self, wanted: range) -> range:
        return wanted

    def read(self, places: range) -> Iterator[Pixels]:
        """The pictures at some places, (H, W, 3)."""
        size = self.clip.width, self.clip.height
        for place in places:
            yield still.read_frame(sequence.nth(self.clip.path, sequence.first_number(self.clip) + place), size).pixels


Finished = FinishedFilm | FinishedPictures


def find_finished(path: Path, light: Light | None) -> Finished:
    """What was finished under a name, from a source of a certain light."""
    return FinishedPictures.of(path) if sequence.is_sequence(path) else FinishedFilm.of(path, light)


def packed(path: Path) -> Iterator[Packed]:
    """The packets of a film's pictures, in the order of decoding."""
    with open_source(path) as (container, stream):
        for packet in demuxed(container, stream):
            if is_picture(packet) and packet.pts is not None:
                found = packet.pts if packet.dts is None else min(packet.pts, packet.dts)
                yield Packed(packet.pts, packet.duration or 0, found, packet.is_keyframe)


def is_picture(packet: Packet[Any]) -> bool:
    """Whether a packet of a film is one that is shown."""
    return packet.pts is not None and packet.size > 0 and not packet.is_discard
