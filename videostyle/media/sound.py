"""The source's sound as packets for the finished file: copied bit for bit, or transcoded where that cannot be."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av import AudioResampler, Packet
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from videostyle.errors import OutputError
from videostyle.media.source import open_source

log = logging.getLogger(__name__)

FALLBACK = "aac"


@dataclass(frozen=True)
class Track:
    """One audio stream of the source, by its index, and whether its packets go over as they are."""

    index: int
    codec: str
    copied: bool


def plan_tracks(source: Path, output: Path) -> list[Track]:
    """What becomes of every audio stream, found by writing a real header in memory.

    Raises:
        OutputError: The container takes neither the sound as it is nor AAC.

    """
    tracks = []
    with open_source(source) as (container, _):
        for stream in container.streams.audio:
            copied = _holds(output, stream)
            codec = stream.codec_context.name
            if not copied:
                if not _holds(output, FALLBACK):
                    raise OutputError(output, f"{output.suffix} can hold neither {codec} sound nor AAC; use .mkv")
                log.warning("%s cannot hold %s sound; it is transcoded to AAC", output.suffix, codec)
            tracks.append(Track(stream.index, codec, copied))
    return tracks


def has_sound(source: Path) -> bool:
    """Whether a video has an audio stream."""
    with open_source(source) as (container, _):
        return bool(container.streams.audio)


class _NamedBuffer(io.BytesIO):
    """A file in memory whose name tells FFmpeg its format."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def _holds(output: Path, sound: AudioStream | str) -> bool:
    """Whether the container of `output` takes a header with this stream, or this codec."""
    try:
        with av.open(_NamedBuffer(f"x{output.suffix}"), "w") as trial:
            if isinstance(sound, str):
                trial.add_stream(sound, rate=48000)
            else:
                trial.add_stream_from_template(sound)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError, OSError):
        return False
    return True


class Soundtrack:
    """Adds the source's audio streams to `target` and yields their packets in the order of their time.

    Args:
        source: The file to read from; opened a second time, so that sound and picture may run apart.
        target: The container being written; its header must not be written yet.
        tracks: From `plan_tracks`.

    """

    def __init__(self, source: Path, target: OutputContainer, tracks: list[Track]) -> None:
        self._source, self._tracks = source, tracks
        self._streams: dict[int, AudioStream] = {}
        if not tracks:
            return
        with open_source(source) as (container, _):
            for track in tracks:
                self._streams[track.index] = _added(target, container.streams[track.index], track)  # type: ignore[arg-type]

    def packets(self, begin: Fraction) -> Iterator[Packet[Any]]:
        """Every audio packet from `begin` seconds on, its time counted from there."""
        if not self._tracks:
            return
        with open_source(self._source) as (container, _):
            converters = {track.index: self._converter(container, track) for track in self._tracks}
            streams = [container.streams[track.index] for track in self._tracks]
            for packet in container.demux(streams):
                for ready in converters[packet.stream.index].convert(packet):
                    shifted = _shifted(ready, begin)
                    if shifted is not None:
                        yield shifted

    def _converter(self, container: InputContainer, track: Track) -> _Copy | _Transcode:
        target = self._streams[track.index]
        return _Copy(target) if track.copied else _Transcode(target)


def _added(target: OutputContainer, stream: AudioStream, track: Track) -> AudioStream:
    if track.copied:
        added = target.add_stream_from_template(stream)
    else:
        added = cast(AudioStream, target.add_stream(FALLBACK, rate=stream.rate))
        added.layout = {1: "mono", 2: "stereo", 6: "5.1"}.get(stream.channels, stream.layout.name)
        added.bit_rate = 96_000 * stream.channels
    added.metadata.update(stream.metadata)
    added.disposition = stream.disposition
    return added


@dataclass(frozen=True, eq=False)
class _Copy:
    target: AudioStream

    def convert(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        if packet.dts is not None:  # the empty packet at the end says only that this is the end
            packet.stream = self.target
            yield packet


class _Transcode:
    def __init__(self, target: AudioStream) -> None:
        self._target = target
        context = target.codec_context
        self._resampler = AudioResampler(
            format=context.format, layout=context.layout, rate=context.rate, frame_size=context.frame_size
        )

    def convert(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        for frame in packet.decode():
            for resampled in self._resampler.resample(frame):  # type: ignore[arg-type]
                yield from self._target.encode(resampled)
        if packet.dts is None:
            for resampled in self._resampler.resample(None):
                yield from self._target.encode(resampled)
            yield from self._target.encode(None)


def _shifted(packet: Packet[Any], begin: Fraction) -> Packet[Any] | None:
    """The packet with its clock started at `begin`; None if it lies before."""
    if not begin or packet.pts is None or packet.dts is None:
        return packet
    offset = round(begin / packet.time_base)
    if packet.pts < offset:
        return None
    packet.pts -= offset
    packet.dts -= offset
    return packet
