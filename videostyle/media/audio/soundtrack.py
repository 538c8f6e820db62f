"""The source's sound and subtitles as packets: copied bit for bit, or encoded again where that cannot be."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterator
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
from videostyle.media.audio.tracks import Track, demuxed, holds, label, seconds
from videostyle.media.source import Damage, open_source

log = logging.getLogger(__name__)

FALLBACKS = ("aac", "libopus")
_ENCODERS = {"mp3": "libmp3lame", "mp3float": "libmp3lame", "opus": "libopus", "vorbis": "libopus"}
_LOSSLESS = ("flac", "alac", "pcm_")
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_JITTER = Fraction(1, 50)  # seconds that sound may be early or late before it is put right


def plan_tracks(source: Path, output: Path, *, cut: bool = False, only: tuple[str, ...] = ()) -> list[Track]:
    """What becomes of every sound and subtitle stream, found by writing real headers in memory.

    Args:
        source: The file they are in.
        output: Where they go; its suffix says the container.
        cut: Only a part is wanted, so that sound has to be encoded again to begin and end at the right sample.
        only: Sound codecs that are copied, if not all.

    Raises:
        OutputError: The container takes neither the sound as it is nor AAC nor Opus.

    """
    with open_source(source) as (container, _):
        sounds = [_plan(stream, output, cut, only) for stream in container.streams.audio]
        return [*filter(None, sounds), *subtitles.plan_subtitles(container, output)]


def has_sound(source: Path) -> bool:
    """Whether a video has an audio stream."""
    with open_source(source) as (container, _):
        return bool(container.streams.audio)


def _plan(stream: AudioStream, output: Path, cut: bool, only: tuple[str, ...]) -> Track | None:
    if not getattr(stream.codec_context, "sample_rate", 0):
        log.warning("a sound track of an unknown kind is left out")
        return None
    codec = stream.codec_context.name
    copied = Track(stream.index, codec)
    welcome = not only or codec in only
    if not cut and welcome and holds(output, lambda trial: trial.add_stream_from_template(stream)):
        return copied
    encoders = (_ENCODERS.get(codec, codec), *FALLBACKS) if cut and welcome else FALLBACKS
    for track in _encodings(stream, encoders):
        if holds(output, lambda trial, track=track: _added(trial, stream, track)):  # type: ignore[misc]
            _tell(track, output, cut)
            return track
    raise OutputError(output, f"{output.suffix} can hold neither {codec} sound nor AAC; use .mkv")


def _encodings(stream: AudioStream, encoders: tuple[str, ...]) -> Iterator[Track]:
    """Every way to encode a stream, the most faithful first."""
    own = stream.layout.name if stream.layout.name[0].isalpha() else _LAYOUTS.get(stream.channels, "stereo")
    for encoder in encoders:
        if encoder in av.codecs_available:
            for layout in dict.fromkeys((own, _LAYOUTS.get(stream.channels, "stereo"), "stereo")):
                for rate in dict.fromkeys((stream.rate, 48000)):
                    yield Track(stream.index, stream.codec_context.name, encoder, layout, rate)


def _tell(track: Track, output: Path, cut: bool) -> None:
    name = str(track.encoder).removeprefix("lib").upper()
    if not cut:
        log.warning("%s sound does not go into this %s; it is transcoded to %s", track.codec, output.suffix, name)
    elif not str(track.encoder).startswith(_LOSSLESS):
        log.warning("the sound is cut to the sample, and so encoded again as %s", name)


class Soundtrack:
    """Adds the source's sound and subtitles to `target` and yields their packets in the order of their time.

    Args:
        source: The file to read from; opened again, so that sound and picture may run apart.
        target: The container being written; its header must not be written yet.
        output: Its name.
        tracks: From `plan_tracks`.

    Attributes:
        end: Seconds in the result at which sound that is encoded again ends; None keeps all of it.

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
                self._targets[track.index] = _added(target, stream, track)
                label(self._targets[track.index], stream, output)

    def packets(self, begin: Fraction, *, cut: bool = False) -> Iterator[Packet[Any]]:
        """Every packet, its time counted from `begin` seconds; with `cut` none that is presented earlier."""
        cancel_scope = [track for track in self._tracks if not self._is_encoded(track)]
        alone = [track for track in self._tracks if self._is_encoded(track)]
        sources = [self._encoded(track, begin) for track in alone]
        if cancel_scope:
            sources.append(self._passed_on(cancel_scope, begin, cut))
        return heapq.merge(*sources, key=seconds)

    def _is_encoded(self, track: Track) -> bool:
        return track.encoder is not None and isinstance(self._targets[track.index], AudioStream)

    def _passed_on(self, tracks: list[Track], begin: Fraction, cut: bool) -> Iterator[Packet[Any]]:
        """Copied sound, and subtitles copied or converted."""
        with open_source(self._source) as (container, _):
            streams = {track.index: container.streams[track.index] for track in tracks}
            converted = {track.index for track in tracks if track.encoder is not None}
            last: dict[int, int] = {}
            damage = Damage()
            for packet in demuxed(container, *streams.values()):
                index = packet.stream.index
                for ready in self._ready(packet, streams[index], index in converted):
                    if _shifted(ready, begin, cut):
                        _put_later(ready, last.get(index), damage)
                        last[index] = ready.dts  # type: ignore[assignment]
                        yield ready
            damage.close()

    def _ready(self, packet: Packet[Any], source: Stream, convert: bool) -> Iterator[Packet[Any]]:
        target = self._targets[source.index]
        if convert:
            yield from subtitles.converted(packet, cast(SubtitleStream, source), cast(SubtitleStream, target))
        elif packet.size:
            packet.stream = target
            yield packet

    def _encoded(self, track: Track, begin: Fraction) -> Iterator[Packet[Any]]:
        target = cast(AudioStream, self._targets[track.index])
        context = target.codec_context
        framed = AudioResampler(
            format=context.format,
            layout=context.layout,
            rate=context.rate,
            frame_size=context.frame_size or None,
        )
        with open_source(self._source) as (container, _):
            for block in self._cut(_decoded(container, track), track, begin):
                for frame in framed.resample(block):
                    yield from target.encode(frame)
        for frame in framed.resample(None):
            yield from target.encode(frame)
        yield from target.encode(None)

    def _cut(self, frames: Iterator[AudioFrame], track: Track, begin: Fraction) -> Iterator[AudioFrame]:
        """The samples from `begin` to `end`: the first one of the result is number 0."""
        for kind, samples, at in _continuous(frames, track.rate, begin):
            count = samples.shape[1] if self.end is None else round(self.end * track.rate) - at
            if count <= 0:
                return
            first = max(0, -at)
            wanted = samples[:, first:count]
            if wanted.shape[1]:
                yield _block(wanted, kind, track, at + first)


def _continuous(frames: Iterator[AudioFrame], rate: int, begin: Fraction) -> Iterator[tuple[str, NDArray[Any], int]]:
    """Format, samples and place of each frame, without holes: a gap becomes silence, what overlaps is dropped."""
    after: int | None = None
    damage = Damage()
    for frame, at in _placed(frames, rate, begin):
        kind, samples = frame.format.name, frame.to_ndarray()
        while after is not None and after < at:
            silence = np.zeros((len(samples), min(rate, at - after)), samples.dtype)
            yield kind, silence, after
            after += silence.shape[1]
        overlap = 0 if after is None else after - at
        if overlap:
            damage.tell("sound where there is some already, which is left out,", frame.pts, frame.time_base)
        samples, at = samples[:, overlap:], at + overlap
        after = at + samples.shape[1]
        if samples.shape[1]:
            yield kind, samples, at
    damage.close()


def _placed(frames: Iterator[AudioFrame], rate: int, begin: Fraction) -> Iterator[tuple[AudioFrame, int]]:
    """Each frame, with the place of its first sample in the result.

    Small jumps of the clock do not count, and no time that the frames before and after contradict.
    """
    expected: int | None = None
    frame: AudioFrame | None = None
    for following in chain(frames, [None]):
        if frame is not None:
            at, then = (_position(each, rate, begin) for each in (frame, following))
            if expected is not None and (_close(at, expected, rate) or _close(then, expected + frame.samples, rate)):
                at = expected
            place = at if at is not None else expected or 0
            yield frame, place
            expected = place + frame.samples
        frame = following


def _position(frame: AudioFrame | None, rate: int, begin: Fraction) -> int | None:
    if frame is None or frame.pts is None or frame.time_base is None:
        return None
    return round((frame.pts * frame.time_base - begin) * rate)


def _close(at: int | None, expected: int, rate: int) -> bool:
    return at is not None and abs(at - expected) <= _JITTER * rate


def _block(samples: NDArray[Any], kind: str, track: Track, at: int) -> AudioFrame:
    block = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=kind, layout=track.layout)
    block.sample_rate, block.pts, block.time_base = track.rate, at, Fraction(1, track.rate)
    return block


def _decoded(container: InputContainer, track: Track) -> Iterator[AudioFrame]:
    """A stream's frames, planar, in the layout and rate to encode, also where their own change on the way."""
    stream = cast(AudioStream, container.streams[track.index])
    planar = stream.codec_context.format.planar.name
    for _, alike in groupby(_heard(container, stream), _shape):
        even = AudioResampler(format=planar, layout=track.layout, rate=track.rate)
        for frame in alike:
            yield from even.resample(frame)
        yield from even.resample(None)


def _heard(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """What can be decoded; a damaged packet leaves a gap and is told."""
    damage = Damage()
    stream.codec_context.options = {"err_detect": "crccheck+explode"}  # or some damage is noise
    for packet in demuxed(container, stream):
        try:
            yield from stream.decode(packet)
        except av.error.FFmpegError:
            damage.tell("damaged sound, replaced by silence,", packet.pts, packet.time_base)
    damage.close()


def _shape(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _added(target: OutputContainer, stream: Stream, track: Track) -> Stream:
    if isinstance(stream, SubtitleStream):
        return subtitles.add_subtitles(target, stream, track)
    if track.encoder is None:
        return target.add_stream_from_template(stream)
    added = cast(AudioStream, target.add_stream(track.encoder, rate=track.rate))
    added.layout = track.layout
    if not track.encoder.startswith(_LOSSLESS):
        added.bit_rate = 96_000 * added.channels
    return added


def _shifted(packet: Packet[Any], begin: Fraction, cut: bool) -> bool:
    """Start the packet's clock at `begin`; False if it is to be dropped."""
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


def _put_later(packet: Packet[Any], last: int | None, damage: Damage) -> None:
    """Let a packet come after the `last` one; lines of text may share a time."""
    step = 0 if isinstance(packet.stream, SubtitleStream) else 1
    least = 0 if last is None else last + step
    if packet.pts is None or packet.dts is None:
        packet.pts = packet.dts = least
    if last is not None and packet.dts < least:
        what = "sound" if step else "a subtitle"
        damage.tell(f"{what} that is not later than that before, and is moved,", packet.pts, packet.time_base)
        packet.pts, packet.dts = max(packet.pts, least), least
