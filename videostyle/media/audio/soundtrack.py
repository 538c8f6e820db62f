"""The audio and subtitles of a result as packets: copied bit for bit, or re-encoded."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from av import AudioFrame, AudioResampler, Packet
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from av.subtitles.stream import SubtitleStream

from videostyle.media.audio import subtitles
from videostyle.media.audio.plan import add_stream
from videostyle.media.audio.samples import read_samples
from videostyle.media.audio.tracks import Track, label
from videostyle.media.audio.trial import first_packet, line, silence
from videostyle.media.demux import Damage, Demuxer, open_container, seconds

_COARSE = (".mkv", ".webm")  # containers that count milliseconds; a packet of TrueHD lasts 0.83


class Soundtrack:
    """Adds the source's audio and subtitles to `target`, and yields their packets in the order of their time.

    Args:
        source: The file to read from; opened again, so that audio and video may run apart.
        target: The container being written; its header must not be written yet.
        output: Its name.
        tracks: From `audio.plan.plan_tracks`.

    Attributes:
        end: Seconds in the result at which audio that is re-encoded ends; None keeps all of it.

    """

    def __init__(self, source: Path, target: OutputContainer, output: Path, tracks: list[Track]) -> None:
        self._source, self._tracks = source, tracks
        self._coarse = output.suffix.lower() in _COARSE
        self._targets: dict[int, Stream] = {}
        self.end: Fraction | None = None
        if not tracks:
            return
        with open_container(source) as container:
            for track in tracks:
                stream = container.streams[track.index]
                self._targets[track.index] = add_stream(target, stream, track)
                label(self._targets[track.index], stream, output)

    def packets(self, begin: Fraction, *, cut: bool = False) -> Iterator[Packet[Any]]:
        """Yield every packet, its time counted from `begin` seconds; with `cut` none that is presented earlier."""
        encoded = [track for track in self._tracks if self._is_encoded(track)]
        copied = [track for track in self._tracks if not self._is_encoded(track)]
        sources = [self._encode(track, begin) for track in encoded]
        if copied:
            sources.append(self._copy(copied, begin, cut))
        return heapq.merge(*sources, key=seconds)

    def samples(self) -> Iterator[Packet[Any]]:
        """Yield a packet of each track, to try the target with; none of a track that begins late."""
        for track in self._tracks:
            target = self._targets[track.index]
            if track.encoder is None:
                yield from first_packet(self._source, track.index, target)
            else:
                yield from silence(target) if isinstance(target, AudioStream) else line(target)

    def _is_encoded(self, track: Track) -> bool:
        return track.encoder is not None and isinstance(self._targets[track.index], AudioStream)

    def _copy(self, tracks: list[Track], begin: Fraction, cut: bool) -> Iterator[Packet[Any]]:
        """Yield the packets of copied audio, and of subtitles copied or converted."""
        last: dict[int, int] = {}
        damage = Damage()
        with open_container(self._source) as container:
            for index, packet in self._copied(container, tracks):
                if _shift(packet, begin, cut):
                    _put_after(packet, last.get(index), self._may_share_time(packet), damage)
                    last[index] = cast(int, packet.dts)
                    yield packet
        damage.close()

    def _may_share_time(self, packet: Packet[Any]) -> bool:
        """Return whether a packet may come with another one: a line of text, or audio shorter than a tick."""
        return isinstance(packet.stream, SubtitleStream) or (self._coarse and (packet.duration or 0) <= 1)

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
        """Yield the packets of audio that is re-encoded."""
        target = cast(AudioStream, self._targets[track.index])
        context = target.codec_context
        resampler = AudioResampler(
            format=context.format, layout=context.layout, rate=context.rate, frame_size=context.frame_size or None
        )
        with open_container(self._source) as container:
            for samples in self._cut(container, track, begin):
                for frame in resampler.resample(samples):
                    yield from target.encode(frame)
        for frame in resampler.resample(None):
            yield from target.encode(frame)
        yield from target.encode(None)

    def _cut(self, container: InputContainer, track: Track, begin: Fraction) -> Iterator[AudioFrame]:
        """Yield the samples from `begin` to `end`: the first one of the result is at 0."""
        for block in read_samples(container, track, begin):
            stop = block.count if self.end is None else round(self.end * track.rate) - block.position
            if stop <= 0:
                return
            wanted = block.part(max(0, -block.position), stop)
            if wanted.count:
                yield wanted.to_frame(track)


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


def _put_after(packet: Packet[Any], last: int | None, may_share_time: bool, damage: Damage) -> None:
    """Let a packet come after the `last` one, in ticks, or with it."""
    least = 0 if last is None else last + (not may_share_time)
    if packet.pts is None or packet.dts is None:
        packet.pts = packet.dts = least
    if last is not None and packet.dts < least:
        what = "a subtitle" if isinstance(packet.stream, SubtitleStream) else "audio"
        damage.report(f"{what} that is not later than that before, and is moved,", packet.pts, packet.time_base)
        packet.pts, packet.dts = max(packet.pts, least), least
