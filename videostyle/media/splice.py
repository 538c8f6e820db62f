"""A video file with some of its video packets replaced, and everything else as it was, to the bit."""

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
from videostyle.media import metadata
from videostyle.media.audio.tracks import label
from videostyle.media.demux import Demuxer, open_source
from videostyle.media.existing import ExistingVideo, is_shown, packet_timings
from videostyle.media.ffmpeg import ffmpeg_errors
from videostyle.media.muxer import container_options, set_marks
from videostyle.media.timestamps import decode_times, reorder_delay

_COPIED = ("video", "audio", "subtitle")  # kinds of streams
_NO_TEXT = b"\0\0"  # a mov_text packet between two lines; the muxer writes them by itself


class CodecParameters(NamedTuple):
    """What a decoder needs before the first frame: videos that agree in it can share one header."""

    codec: str
    pixel_format: str
    size: tuple[int, int]
    header: bytes

    @classmethod
    def read(cls, path: Path) -> CodecParameters:
        """Read the parameters of a video file."""
        with open_source(path) as (_, stream):
            context = stream.codec_context
            size = context.width, context.height
            return cls(context.name, str(context.pix_fmt), size, bytes(context.extradata or b""))


def splice(existing: ExistingVideo, piece: Path, indices: range, path: Path, comment: str) -> None:
    """Write a video once more, with other packets for some of its frames.

    Args:
        existing: The video; its file stays as it is.
        piece: A video of the same codec parameters, with a frame for each index; only its video packets count, and
            not their times.
        indices: Of the frames to replace, from `existing.reencoded_range`.
        path: Where the result goes, of the same suffix.
        comment: How it was made, for its metadata.

    Raises:
        MediaError: Writing failed, or anything but the packets at `indices` came out differently.

    """
    source = existing.clip.path
    if CodecParameters.read(piece) != CodecParameters.read(source):
        raise MediaError(f"the new frames are encoded differently from {source}, which stays as it is")
    with (
        open_source(source) as (old, video),
        ffmpeg_errors(path),
        av.open(f"file:{path}", "w", container_options=container_options(path, metadata.user_tags(old))) as new,
    ):
        streams = {stream.index: _add_copy(new, stream, path) for stream in old.streams if stream.type in _COPIED}
        set_marks(cast(VideoStream, streams[video.index]), existing.clip, existing.clip.first)
        metadata.add_tags(new, metadata.user_tags(old), path, comment)
        metadata.add_attachments(new, old, path)
        new.set_chapters(old.chapters())
        for packet in _packets(existing, old, video, indices, piece):
            packet.stream = streams[packet.stream.index]
            new.mux(packet)
    if _digests(path, indices) != _digests(source, indices):
        raise MediaError(f"{source} cannot be written again as it is; it was left alone")


def _add_copy(new: OutputContainer, stream: Stream, path: Path) -> Stream:
    """Add a stream with the header, tags and frame rate of another one."""
    added = new.add_stream_from_template(stream, opaque=True)
    added.codec_context.codec_tag = stream.codec_context.codec_tag
    if isinstance(stream, VideoStream) and stream.average_rate:
        cast(VideoStream, added).codec_context.framerate = stream.average_rate
    label(added, stream, path)
    return added


def _packets(
    existing: ExistingVideo, old: InputContainer, video: VideoStream, indices: range, piece: Path
) -> Iterator[Packet[Any]]:
    """Yield all packets in the order of the old file, those at `indices` taken from `piece`."""
    durations = {packet.pts: packet.duration for packet in existing.packets}
    times, fresh, index = _times(existing, piece, indices), _stored(piece), 0
    for packet in Demuxer(old, *(stream for stream in old.streams if stream.type in _COPIED)):
        if packet.stream.index != video.index:
            if _has_content(packet):
                yield packet
        elif is_shown(packet):
            ready = next(fresh) if index in indices else packet
            ready.pts, ready.dts = next(times)
            ready.time_base, ready.duration, ready.stream = packet.time_base, durations[ready.pts], video
            index += 1
            yield ready


def _times(existing: ExistingVideo, piece: Path, indices: range) -> Iterator[tuple[int, int]]:
    """Return the pts and dts of each video packet of the result, in decoding order."""
    before = [packet.pts for packet in existing.packets]
    pts = [*before[: indices.start], *_new_pts(existing, piece, indices), *before[indices.stop :]]
    return zip(pts, decode_times(pts, reorder_delay(before)), strict=True)


def _new_pts(existing: ExistingVideo, piece: Path, indices: range) -> list[int]:
    """Return when each packet of `piece`, in decoding order, is shown in the result."""
    pts = [packet.pts for packet in packet_timings(piece)]
    ranks = {time: rank for rank, time in enumerate(sorted(pts))}
    if len(pts) != len(indices):
        path = existing.clip.path
        raise MediaError(f"{len(pts)} frames were made for {len(indices)} of {path}, which stays as it is")
    return [existing.presentation[indices.start + ranks[time]] for time in pts]


def _stored(piece: Path) -> Iterator[Packet[Any]]:
    """Yield copies of the video packets of a file, which do not belong to it."""
    with open_source(piece) as (container, stream):
        for packet in filter(is_shown, Demuxer(container, stream)):
            copy = Packet(bytes(packet))
            copy.is_keyframe = packet.is_keyframe
            yield copy


def _has_content(packet: Packet[Any]) -> bool:
    return packet.size > 0 and bytes(packet) != _NO_TEXT


def _digests(path: Path, indices: range) -> list[str]:
    """Return a digest of the times and bytes of each stream, without the bytes of the video packets at `indices`."""
    with open_source(path) as (container, video):
        streams = [stream for stream in container.streams if stream.type in _COPIED]
        digests = {stream.index: hashlib.sha256(stream.type.encode()) for stream in streams}
        pts = list[int]()
        for packet in Demuxer(container, *streams):
            digest, data = digests[packet.stream.index], bytes(packet)
            if packet.stream.index != video.index:
                if _has_content(packet):
                    digest.update(f"{packet.pts} {packet.duration}".encode() + data)
            elif is_shown(packet):
                digest.update(b"" if len(pts) in indices else f"{packet.pts} ".encode() + data)
                pts.append(packet.pts or 0)
        return [*(digest.hexdigest() for digest in digests.values()), str(sorted(pts))]
