"""The source's audio and subtitles as packets: copied bit for bit, or encoded anew where that cannot be."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, groupby
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av import AudioFrame, AudioResampler, Packet
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from av.subtitles.stream import SubtitleStream
from numpy.typing import NDArray

from videostyle.errors import OutputError
from videostyle.media.audio import subtitles
from videostyle.media.audio.tracks import Track, holds, label
from videostyle.media.demux import Damage, Demuxer, open_source, seconds

log = logging.getLogger(__name__)

FALLBACKS = ("aac", "libopus")  # encoders for what a container does not take as it is
_ENCODERS = {"mp3": "libmp3lame", "mp3float": "libmp3lame", "opus": "libopus", "vorbis": "libopus"}
_LOSSLESS = ("flac", "alac", "pcm_")
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_CHANNEL_BIT_RATE = 96_000  # bits per second of a channel
_COMMON_RATE = 48_000  # samples per second that every encoder takes
_JITTER = Fraction(1, 50)  # seconds by which a frame may be early or late and still follow the one before


def plan_tracks(source: Path, output: Path, *, cut: bool = False, only: tuple[str, ...] = ()) -> list[Track]:
    """Plan what becomes of every audio and subtitle stream, by writing real headers in memory.

    Args:
        source: The file they are in.
        output: Where they go; its suffix says the container.
        cut: Only a range is wanted, so that audio is encoded anew to begin and end at the right sample.
        only: Audio codecs that are copied, if not all.

    Raises:
        OutputError: The container takes neither the audio as it is nor AAC nor Opus.

    """
    with open_source(source) as (container, _):
        audio = [_plan(stream, output, cut, only) for stream in container.streams.audio]
        return [*filter(None, audio), *subtitles.plan_subtitles(container, output)]


def has_audio(source: Path) -> bool:
    """Return whether a video file has an audio stream."""
    with open_source(source) as (container, _):
        return bool(container.streams.audio)


def _plan(stream: AudioStream, output: Path, cut: bool, only: tuple[str, ...]) -> Track | None:
    if not getattr(stream.codec_context, "sample_rate", 0):
        log.warning("an audio track of an unknown kind is left out")
        return None
    codec = stream.codec_context.name
    welcome = not only or codec in only
    if not cut and welcome and holds(output, lambda trial: trial.add_stream_from_template(stream)):
        return Track(stream.index, codec)
    encoders = (_ENCODERS.get(codec, codec), *FALLBACKS) if cut and welcome else FALLBACKS
    for track in _encodings(stream, encoders):
        if holds(output, lambda trial, track=track: _add_stream(trial, stream, track)):  # type: ignore[misc]
            _warn_of_encoding(track, output, cut)
            return track
    raise OutputError(output, f"{output.suffix} can hold neither {codec} audio nor AAC; use .mkv")


def _encodings(stream: AudioStream, encoders: tuple[str, ...]) -> Iterator[Track]:
    """Yield every way to encode a stream, the most faithful first."""
    usual = _LAYOUTS.get(stream.channels, "stereo")
    own = stream.layout.name if stream.layout.name[0].isalpha() else usual
    for encoder in encoders:
        if encoder in av.codecs_available:
            for layout in dict.fromkeys((own, usual, "stereo")):
                for rate in dict.fromkeys((stream.rate, _COMMON_RATE)):
                    yield Track(stream.index, stream.codec_context.name, encoder, layout, rate)


def _warn_of_encoding(track: Track, output: Path, cut: bool) -> None:
    """Log that audio is encoded anew, if that can be heard."""
    name = str(track.encoder).removeprefix("lib").upper()
    if not cut:
        log.warning("%s audio does not go into this %s; it is transcoded to %s", track.codec, output.suffix, name)
    elif not str(track.encoder).startswith(_LOSSLESS):
        log.warning("the audio is cut to the sample, and so encoded again as %s", name)


class Soundtrack:
    """Adds the source's audio and subtitles to `target`, and yields their packets in the order of their time.

    Args:
        source: The file to read from; opened again, so that audio and video may run apart.
        target: The container being written; its header must not be written yet.
        output: Its name.
        tracks: From `plan_tracks`.

    Attributes:
        end: Seconds in the result at which audio that is encoded anew ends; None keeps all of it.

    """

    def __init__(self, source: Path, target: OutputContainer, output: Path, tracks: list[Track]) -> None:
        self._source, self._tracks = source, tracks
        self._targets: dict[int, Stream] = {}
        self.end: Fraction | None = None
        if not tracks:
            return
        with open_source(source) as (container, _):
            for track in tracks:
                stream = container.streams[track.index]
                self._targets[track.index] = _add_stream(target, stream, track)
                label(self._targets[track.index], stream, output)

    def packets(self, begin: Fraction, *, cut: bool = False) -> Iterator[Packet[Any]]:
        """Yield every packet, its time counted from `begin` seconds; with `cut` none that is presented earlier."""
        encoded = [track for track in self._tracks if self._is_encoded(track)]
        copied = [track for track in self._tracks if not self._is_encoded(track)]
        sources = [self._encode(track, begin) for track in encoded]
        if copied:
            sources.append(self._copy(copied, begin, cut))
        return heapq.merge(*sources, key=seconds)

    def _is_encoded(self, track: Track) -> bool:
        return track.encoder is not None and isinstance(self._targets[track.index], AudioStream)

    def _copy(self, tracks: list[Track], begin: Fraction, cut: bool) -> Iterator[Packet[Any]]:
        """Yield the packets of copied audio, and of subtitles copied or converted."""
        last: dict[int, int] = {}
        damage = Damage()
        with open_source(self._source) as (container, _):
            for index, packet in self._copied(container, tracks):
                if _shift(packet, begin, cut):
                    _put_after(packet, last.get(index), damage)
                    last[index] = cast(int, packet.dts)
                    yield packet
        damage.close()

    def _copied(self, container: InputContainer, tracks: list[Track]) -> Iterator[tuple[int, Packet[Any]]]:
        """Yield the packets of the source for the target's streams, each with the index of its source stream."""
        encoders = {track.index: track.encoder for track in tracks}
        for packet in Demuxer(container, *(container.streams[index] for index in encoders)):
            index, source = packet.stream.index, packet.stream
            target = self._targets[index]
            if encoders[index] is not None:
                for text in subtitles.convert(packet, cast(SubtitleStream, source), cast(SubtitleStream, target)):
                    yield index, text
            elif packet.size:
                packet.stream = target
                yield index, packet

    def _encode(self, track: Track, begin: Fraction) -> Iterator[Packet[Any]]:
        """Yield the packets of audio that is encoded anew."""
        target = cast(AudioStream, self._targets[track.index])
        context = target.codec_context
        resampler = AudioResampler(
            format=context.format, layout=context.layout, rate=context.rate, frame_size=context.frame_size or None
        )
        with open_source(self._source) as (container, _):
            for block in self._cut(_uniform(container, track), track, begin):
                for frame in resampler.resample(block):
                    yield from target.encode(frame)
        for frame in resampler.resample(None):
            yield from target.encode(frame)
        yield from target.encode(None)

    def _cut(self, frames: Iterator[AudioFrame], track: Track, begin: Fraction) -> Iterator[AudioFrame]:
        """Yield the samples from `begin` to `end`: the first one of the result is at 0."""
        for block in _without_gaps(frames, track.rate, begin):
            stop = block.count if self.end is None else round(self.end * track.rate) - block.position
            if stop <= 0:
                return
            wanted = block.part(max(0, -block.position), stop)
            if wanted.count:
                yield wanted.to_frame(track)


@dataclass(frozen=True, eq=False)
class _Block:
    """Samples that follow one another.

    Args:
        format: FFmpeg's name of their format, a planar one.
        samples: (channels, count).
        position: Of the first one in the result, in samples.

    """

    format: str
    samples: NDArray[Any]
    position: int

    @property
    def count(self) -> int:
        return int(self.samples.shape[1])

    def part(self, first: int, stop: int | None = None) -> _Block:
        return _Block(self.format, self.samples[:, first:stop], self.position + first)

    def to_frame(self, track: Track) -> AudioFrame:
        samples = np.ascontiguousarray(self.samples)
        frame = AudioFrame.from_ndarray(samples, format=self.format, layout=track.layout)
        frame.sample_rate, frame.pts, frame.time_base = track.rate, self.position, Fraction(1, track.rate)
        return frame


def _without_gaps(frames: Iterator[AudioFrame], rate: int, begin: Fraction) -> Iterator[_Block]:
    """Yield samples that follow one another: fill gaps with silence, drop what overlaps."""
    after: int | None = None
    damage = Damage()
    for frame, position in _placed(frames, rate, begin):
        block = _Block(frame.format.name, frame.to_ndarray(), position)
        if after is not None:
            yield from _silence(block, after, rate)
            overlap = max(0, after - position)
            if overlap:
                damage.report("audio where there is some already, which is left out,", frame.pts, frame.time_base)
            block = block.part(overlap)
        after = block.position + block.count
        if block.count:
            yield block
    damage.close()


def _silence(block: _Block, after: int, rate: int) -> Iterator[_Block]:
    """Yield silence from the sample `after` up to a block, a second at most at a time."""
    while after < block.position:
        count = min(rate, block.position - after)
        yield _Block(block.format, np.zeros((len(block.samples), count), block.samples.dtype), after)
        after += count


def _placed(frames: Iterator[AudioFrame], rate: int, begin: Fraction) -> Iterator[tuple[AudioFrame, int]]:
    """Yield each frame with the position of its first sample in the result.

    Small jumps of the clock do not count, and no time that the frames before and after contradict.
    """
    expected: int | None = None
    frame: AudioFrame | None = None
    for following in chain(frames, [None]):
        if frame is not None:
            own, next_own = (_position(each, rate, begin) for each in (frame, following))
            if expected is not None and (
                _is_close(own, expected, rate) or _is_close(next_own, expected + frame.samples, rate)
            ):
                own = expected
            position = own if own is not None else expected or 0
            yield frame, position
            expected = position + frame.samples
        frame = following


def _position(frame: AudioFrame | None, rate: int, begin: Fraction) -> int | None:
    """Return the position that a frame's own time says, in samples; None if it has no time."""
    if frame is None or frame.pts is None or frame.time_base is None:
        return None
    return round((frame.pts * frame.time_base - begin) * rate)


def _is_close(position: int | None, expected: int, rate: int) -> bool:
    return position is not None and abs(position - expected) <= _JITTER * rate


def _uniform(container: InputContainer, track: Track) -> Iterator[AudioFrame]:
    """Yield a stream's frames, planar, in the layout and rate to encode, also if their own change on the way."""
    stream = cast(AudioStream, container.streams[track.index])
    planar = stream.codec_context.format.planar.name
    for _, alike in groupby(_decode(container, stream), _shape):
        resampler = AudioResampler(format=planar, layout=track.layout, rate=track.rate)
        for frame in alike:
            yield from resampler.resample(frame)
        yield from resampler.resample(None)


def _decode(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Yield what can be decoded; a damaged packet leaves a gap, which is logged."""
    damage = Damage()
    stream.codec_context.options = {"err_detect": "crccheck+explode"}  # or some damage is noise
    for packet in Demuxer(container, stream):
        try:
            yield from stream.decode(packet)
        except av.error.FFmpegError:
            damage.report("damaged audio, replaced by silence,", packet.pts, packet.time_base)
    damage.close()


def _shape(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _add_stream(target: OutputContainer, stream: Stream, track: Track) -> Stream:
    """Add a stream for `track`, a plan for `stream`, to `target`."""
    if isinstance(stream, SubtitleStream):
        return subtitles.add_subtitles(target, stream, track)
    if track.encoder is None:
        return target.add_stream_from_template(stream)
    added = cast(AudioStream, target.add_stream(track.encoder, rate=track.rate))
    added.layout = track.layout
    if not track.encoder.startswith(_LOSSLESS):
        added.bit_rate = _CHANNEL_BIT_RATE * added.channels
    return added


def _shift(packet: Packet[Any], begin: Fraction, cut: bool) -> bool:
    """Start the packet's clock at `begin` seconds; return False if it is to be dropped."""
    pts = packet.pts if packet.pts is not None else packet.dts
    dts = packet.dts if packet.dts is not None else pts
    offset = round(begin / packet.time_base)
    if pts is None or dts is None:
        packet.pts = packet.dts = None
        return True
    early = offset - pts
    if cut and early > 0:
        if not isinstance(packet.stream, SubtitleStream) or (packet.duration or 0) <= early:
            return False
        packet.duration = (packet.duration or 0) - early  # it is still to be read when the range begins
        pts = dts = offset
    packet.pts, packet.dts = pts - offset, dts - offset
    return True


def _put_after(packet: Packet[Any], last: int | None, damage: Damage) -> None:
    """Let a packet come after the `last` one, in ticks; lines of text may share a time."""
    step = 0 if isinstance(packet.stream, SubtitleStream) else 1
    least = 0 if last is None else last + step
    if packet.pts is None or packet.dts is None:
        packet.pts = packet.dts = least
    if last is not None and packet.dts < least:
        what = "audio" if step else "a subtitle"
        damage.report(f"{what} that is not later than that before, and is moved,", packet.pts, packet.time_base)
        packet.pts, packet.dts = max(packet.pts, least), least
