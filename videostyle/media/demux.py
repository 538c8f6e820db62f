"""A video file's packets and decoded frames, as far as it can be read; what is damaged is logged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
from av import Packet, VideoFrame
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from videostyle.errors import UnreadableError
from videostyle.frames import MAX_PIXELS

log = logging.getLogger(__name__)

MAX_LOST = 500  # packets in a row whose frames may be lost: two of the longest GOPs that encoders make by default
_REFERRING_FORMATS = {  # these name other files or addresses, and a file must not make us open them
    "hls", "dash", "concat", "sdp", "rtsp", "sap", "lavfi", "image2", "smoothstreaming", "webm_dash_manifest",
}  # fmt: skip
_LIST_STARTS = (
    b"#EXTM3U",
    b"ffconcat",
    b"<?xml",
    b"<MPD",
    b"http://",
    b"https://",
    b"rtsp://",
    b"v=0\n",
    b"[playlist]",
)
_DECODER_THREADS = 2
_MISSING = Fraction(1, 4)  # seconds by which a complete file may be shorter than its header says
_WARNINGS = 10  # damaged places that are logged one by one; the others are counted
_MICROSECOND = Fraction(1, 1_000_000)  # seconds; the unit of a container's own times


@contextmanager
def open_source(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a local file and its video stream; formats that refer to other files or addresses are refused.

    Raises:
        UnreadableError: There is no such file, it is no video, its frames are too large, or decoding it failed.

    """
    with open_container(path) as container:
        stream = _video_stream(container, path)
        context = stream.codec_context
        if context.width * context.height > MAX_PIXELS:
            size = f"{context.width}x{context.height}"
            raise UnreadableError(path, f"{size} is more than {MAX_PIXELS:,} pixels a frame")
        context.options = {"max_pixels": str(MAX_PIXELS)}
        context.thread_type = "SLICE"  # frame threads can hang beside torch
        context.thread_count = _DECODER_THREADS
        yield container, stream


@contextmanager
def open_container(path: Path) -> Iterator[InputContainer]:
    """Open a local file with a picture or without; formats that refer to other files or addresses are refused.

    Raises:
        UnreadableError: There is no such file, it is of no known format, or decoding it failed.

    """
    if not path.is_file():
        raise UnreadableError(path, "there is no such file" if not path.exists() else "it is no file")
    options = {"protocol_whitelist": "file", "format_whitelist": _self_contained(), "max_pixels": str(MAX_PIXELS)}
    try:
        with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
            yield container
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableError(path, _reason(path, error)) from error


class Demuxer(Iterator["Packet[Any]"]):
    """Iterates over the packets of a file in the order in which they are stored, as far as it can be read.

    Args:
        container: An open file.
        streams: Whose packets; those of all streams by default.

    Attributes:
        broken: Reading failed before the end of the file.
        end: Seconds on the file's clock at which the last packet so far has been presented.

    """

    def __init__(self, container: InputContainer, *streams: Stream) -> None:
        self._packets = container.demux(*streams)
        self.broken = False
        self.end = (container.start_time or 0) * _MICROSECOND

    def __next__(self) -> Packet[Any]:
        try:
            packet = next(self._packets)
        except (av.error.FFmpegError, OSError):
            self.broken = True
            raise StopIteration from None
        if packet.pts is not None and packet.dts is not None and packet.time_base:
            self.end = max(self.end, (packet.pts + (packet.duration or 0)) * packet.time_base)
        return packet


def decoded(container: InputContainer, stream: VideoStream, *, quiet: bool = False) -> Iterator[VideoFrame]:
    """Yield the frames of a stream in presentation order, to the very last one that the decoder holds back.

    A damaged packet costs its frame, and a file that breaks off costs its end; both are logged unless `quiet`.

    Raises:
        UnreadableError: `MAX_LOST` packets in a row are lost.

    """
    packets, damage, lost = Demuxer(container), Damage(quiet=quiet), list[Fraction]()
    for packet in packets:
        if packet.stream.index != stream.index:
            continue
        frames = _decode(stream, packet, damage)
        if frames is None:
            lost.append(seconds(packet))
        elif frames:
            lost.clear()
        if len(lost) >= MAX_LOST:
            raise _gap(container, lost[0])
        yield from frames or ()
    if packets.broken:
        yield from _held_back(stream)
    damage.close()
    if not quiet:
        _warn_of_missing_end(container, packets)


def _decode(stream: VideoStream, packet: Packet[Any], damage: Damage) -> list[VideoFrame] | None:
    """Return the frames that the decoder gives out for a packet; None if the packet is damaged."""
    try:
        frames = stream.decode(packet)
    except av.error.FFmpegError:
        damage.report("a damaged packet, whose frame is lost,", packet.pts, packet.time_base)
        return None
    for frame in frames:
        if frame.is_corrupt:
            damage.report("a damaged frame", frame.pts, frame.time_base)
    return frames


def _gap(container: InputContainer, begin: Fraction) -> UnreadableError:
    reason = f"from {float(begin):.3f} s on {MAX_LOST} frames in a row are damaged; end before that, or repair it"
    return UnreadableError(Path(container.name.removeprefix("file:")), reason)


def _held_back(stream: VideoStream) -> list[VideoFrame]:
    try:
        return stream.decode(None)
    except av.error.FFmpegError:
        return []


def _warn_of_missing_end(container: InputContainer, packets: Demuxer) -> None:
    """Log that the file is shorter than its header says."""
    absolute = "matroska" in container.format.name  # where a duration is the time of the end
    promised = ((container.duration or 0) + (0 if absolute else container.start_time or 0)) * _MICROSECOND
    if packets.broken or promised - packets.end > max(_MISSING, promised / 1000):
        log.warning(
            "the file breaks off at %.3f s of %.3f s: what is there is used; it seems cut or not finished",
            packets.end,
            promised,
        )


class Damage:
    """Logs the first damaged places of a file one by one, and then how many more there were."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet, self._count = quiet, 0

    def report(self, what: str, pts: int | None, time_base: Fraction | None) -> None:
        """Log what is wrong, and at which time."""
        self._count += 1
        if not self._quiet and self._count <= _WARNINGS:
            known = None if pts is None or not time_base else pts * time_base
            log.warning("%s at %s", what, "an unknown time" if known is None else f"{float(known):.3f} s")

    def close(self) -> None:
        """Log how many places were not logged one by one."""
        if not self._quiet and self._count > _WARNINGS:
            log.warning("%d more damaged places", self._count - _WARNINGS)


def seconds(packet: Packet[Any]) -> Fraction:
    """Return the time at which a packet is presented; 0 if it has none."""
    return (packet.pts or 0) * packet.time_base


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the default video stream, or the first one; cover art does not count."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise UnreadableError(path, "it has no video stream")
    stream = next((s for s in streams if s.disposition & Disposition.default), streams[0])
    if stream.codec_context is None:
        raise UnreadableError(path, "there is no decoder for its video; convert it to H.264 first")
    return stream


@cache
def _self_contained() -> str:
    """Return the names of all formats that FFmpeg reads, but those that refer to other files."""
    names = {name for names in av.formats_available for name in names.split(",")}
    return ",".join(sorted(names - _REFERRING_FORMATS))


def _reason(path: Path, error: Exception) -> str:
    """Say in words of a user why a file cannot be opened."""
    if isinstance(error, av.error.FFmpegError) and _is_list(path):
        return "it is a list of other files or addresses, not a video; give the video itself"
    if isinstance(error, av.error.InvalidDataError):
        return "it is no video, or its index is missing because a recording or download was not finished"
    return getattr(error, "strerror", None) or str(error)


def _is_list(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \r\n").startswith(_LIST_STARTS)
