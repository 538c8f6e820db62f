"""A film with some of its pictures replaced, and everything else as it was, to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import av
from av import Packet
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from videostyle.errors import MediaError
from videostyle.media import metadata, packet_file
from videostyle.media.audio.tracks import demuxed, label
from videostyle.media.existing import ExistingVideo, is_picture, packet_timings
from videostyle.media.source import open_source
from videostyle.media.writer import container_options, ffmpeg_errors

_KINDS = ("video", "audio", "subtitle")
_SILENCE = b"\0\0"  # between the lines of mov_text; the muxer puts it there by itself


class CodecParameters(NamedTuple):
    """What a decoder is told before the first picture: films that agree in it can share one header."""

    codec: str
    pixel_format: str
    size: tuple[int, int]
    header: bytes

    @classmethod
    def read(cls, path: Path) -> CodecParameters:
        """Look into a film."""
        with open_source(path) as (_, stream):
            context = stream.codec_context
            size = context.width, context.height
            return cls(context.name, str(context.pix_fmt), size, bytes(context.extradata or b""))


def splice(film: ExistingVideo, piece: Path, places: range, path: Path, comment: str) -> None:
    """Write `film` once more, with other packets at some places of its pictures.

    Args:
        film: Is left as it is.
        piece: A film of the same coding with as many frames; only its pictures count, its times do not.
        places: From `film.touched`.
        path: Where the result goes, of the same suffix.
        comment: How it was made, for its metadata.

    Raises:
        MediaError: Writing failed, or anything but the pictures at `places` came out otherwise.

    """
    if CodecParameters.read(piece) != CodecParameters.read(film.clip.path):
        raise MediaError(f"the new frames are encoded otherwise than {film.clip.path}, which stays as it is")
    options = container_options(path)
    with (
        open_source(film.clip.path) as (old, pictures),
        ffmpeg_errors(path),
        av.open(f"file:{path}", "w", container_options=options) as new,
    ):
        streams = {stream.index: _added(new, stream, path) for stream in old.streams if stream.type in _KINDS}
        new.metadata["comment"] = comment
        metadata.add_tags(new, old)
        metadata.add_attachments(new, old, path)
        new.set_chapters(old.chapters())
        for packet in _packets(film, old, pictures, places, piece):
            packet.stream = streams[packet.stream.index]
            new.mux(packet)
    if _contents(path, places) != _contents(film.clip.path, places):
        raise MediaError(f"{film.clip.path} cannot be written again as it is; it was left alone")


def _added(new: OutputContainer, stream: Stream, path: Path) -> Stream:
    added = new.add_stream_from_template(stream, opaque=True)
    added.codec_context.codec_tag = stream.codec_context.codec_tag
    if isinstance(stream, VideoStream) and stream.average_rate:
        cast(VideoStream, added).codec_context.framerate = stream.average_rate
    label(added, stream, path)
    return added


def _packets(
    film: ExistingVideo, old: InputContainer, pictures: VideoStream, places: range, piece: Path
) -> Iterator[Packet[Any]]:
    """All packets in the order of the old film, those at `places` taken from `piece`."""
    before, renewed = [packet.pts for packet in film.packets], _shown_instead(film, piece, places)
    shown = [*before[: places.start], *renewed, *before[places.stop :]]
    times = zip(shown, packet_file.decode_times(shown, packet_file.reordering(before)), strict=True)
    durations = {packet.pts: packet.duration for packet in film.packets}
    fresh, number = _stored(piece), 0
    for packet in demuxed(old, *(stream for stream in old.streams if stream.type in _KINDS)):
        if packet.stream.index != pictures.index:
            if _says_something(packet):
                yield packet
        elif is_picture(packet):
            ready = next(fresh) if number in places else packet
            ready.pts, ready.dts = next(times)
            ready.time_base, ready.duration, ready.stream = packet.time_base, durations[ready.pts], pictures
            number += 1
            yield ready


def _shown_instead(film: ExistingVideo, piece: Path, places: range) -> list[int]:
    """When each packet of `piece` is shown in the film."""
    shown = [packet.pts for packet in packet_timings(piece)]
    ranks = {pts: rank for rank, pts in enumerate(sorted(shown))}
    if len(shown) != len(places):
        raise MediaError(f"{len(shown)} frames were made for {len(places)} of {film.clip.path}, which stays as it is")
    return [film.presentation[places.start + ranks[pts]] for pts in shown]


def _stored(piece: Path) -> Iterator[Packet[Any]]:
    """The packets of its pictures, free of the file they come from."""
    with open_source(piece) as (container, stream):
        for packet in filter(is_picture, demuxed(container, stream)):
            free = Packet(bytes(packet))
            free.is_keyframe = packet.is_keyframe
            yield free


def _says_something(packet: Packet[Any]) -> bool:
    return packet.size > 0 and bytes(packet) != _SILENCE


def _contents(path: Path, places: range) -> list[str]:
    """Of each stream: times and bytes of all its packets, but the bytes of the pictures at `places`."""
    with open_source(path) as (container, pictures):
        streams = [stream for stream in container.streams if stream.type in _KINDS]
        found = {stream.index: hashlib.sha256(stream.type.encode()) for stream in streams}
        number, shown = 0, list[int]()
        for packet in demuxed(container, *streams):
            data = bytes(packet)
            if packet.stream.index == pictures.index:
                if not is_picture(packet):
                    continue
                shown.append(packet.pts or 0)
                found[packet.stream.index].update(b"" if number in places else f"{packet.pts} ".encode() + data)
                number += 1
            elif _says_something(packet):
                found[packet.stream.index].update(f"{packet.pts} {packet.duration}".encode() + data)
        return [*(each.hexdigest() for each in found.values()), str(sorted(shown))]
