"""An audio stream → samples that follow one another without gaps, in the layout and rate to encode."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, groupby
from typing import Any, NamedTuple, cast

import av
import numpy as np
from av import AudioFrame, AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from videostyle.media.audio.layout import read_layout
from videostyle.media.audio.tracks import Track
from videostyle.media.demux import Damage, Demuxer

log = logging.getLogger(__name__)

_JITTER = Fraction(1, 50)  # seconds by which a frame may be early or late and still follow the one before


class Lost(NamedTuple):
    """The time of a packet that cannot be decoded, in ticks and seconds per tick."""

    pts: int | None
    duration: int
    time_base: Fraction

    @property
    def begin(self) -> Fraction:
        """Seconds on the file's clock at which it begins."""
        return (self.pts or 0) * self.time_base

    @property
    def end(self) -> Fraction:
        """Seconds on the file's clock at which it ends."""
        return self.begin + self.duration * self.time_base

    def report(self, damage: Damage) -> None:
        """Log it as damage."""
        damage.report("damaged audio, replaced by silence,", self.pts, self.time_base)


@dataclass(frozen=True, eq=False)
class Block:
    """Samples that follow one another.

    Args:
        format: FFmpeg's name of their format, a packed one.
        samples: (channels, count).
        position: Of the first one in the result, in samples.

    """

    format: str
    samples: NDArray[Any]
    position: int

    @property
    def count(self) -> int:
        return int(self.samples.shape[1])

    def part(self, first: int, stop: int | None = None) -> Block:
        """Return the samples from `first` to `stop` of this block."""
        return Block(self.format, self.samples[:, first:stop], self.position + first)

    def to_frame(self, track: Track) -> AudioFrame:
        """Return the samples as a frame whose timestamp is their position."""
        samples = np.ascontiguousarray(self.samples.T).reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, format=self.format, layout=track.layout)
        frame.sample_rate, frame.pts, frame.time_base = track.rate, self.position, Fraction(1, track.rate)
        return frame


def read_samples(container: InputContainer, track: Track, begin: Fraction) -> Iterator[Block]:
    """Yield all samples of a stream: gaps are filled with silence, and what overlaps is dropped.

    Args:
        container: An open file.
        track: Its stream, and the layout and rate to resample it to.
        begin: Seconds on the file's clock at which position 0 lies; samples before it have negative positions.

    """
    after: int | None = None
    damage, lost = Damage(), list[Lost]()
    block = Block("s16", np.zeros((av.AudioLayout(track.layout).nb_channels, 0), np.int16), 0)
    for frame, position in _placed(_uniform(container, track, lost), track.rate, begin):
        block = Block(frame.format.name, frame.to_ndarray().reshape(frame.samples, -1).T, position)
        if after is not None:
            yield from _silence(block, after, track.rate)
            overlap = max(0, after - position)
            if overlap:
                damage.report("audio where there is some already, which is left out,", frame.pts, frame.time_base)
            block = block.part(overlap)
        after = block.position + block.count
        if block.count:
            yield block
    damage.close()
    if lost:
        first, end = (round((seconds - begin) * track.rate) for seconds in (lost[0].begin, lost[-1].end))
        yield from _silence(replace(block, position=end), first if after is None else after, track.rate)


def _silence(block: Block, after: int, rate: int) -> Iterator[Block]:
    """Yield silence from the sample `after` up to a block, a second at most at a time."""
    while after < block.position:
        count = min(rate, block.position - after)
        yield Block(block.format, np.zeros((len(block.samples), count), block.samples.dtype), after)
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


def _uniform(container: InputContainer, track: Track, lost: list[Lost]) -> Iterator[AudioFrame]:
    """Yield a stream's frames, packed, in the layout and rate to encode, also if their own change on the way."""
    stream = cast(AudioStream, container.streams[track.index])
    packed = stream.codec_context.format.packed.name
    for _, alike in groupby(_decode(container, stream, lost), _shape):
        resampler = AudioResampler(format=packed, layout=track.layout, rate=track.rate)
        for frame in alike:
            yield from resampler.resample(frame)
        yield from resampler.resample(None)


def _decode(container: InputContainer, stream: AudioStream, lost: list[Lost]) -> Iterator[AudioFrame]:
    """Yield what can be decoded, and note what is `lost`: a damaged packet leaves a gap, which is logged."""
    damage, heard = Damage(), False
    stream.codec_context.options = {"err_detect": "crccheck+explode"}  # or some damage is noise
    for packet in Demuxer(container, stream):
        try:
            frames = stream.decode(packet)
        except av.error.FFmpegError:
            lost.append(Lost(packet.pts, packet.duration or 0, packet.time_base))
            if heard:
                lost[-1].report(damage)
            continue
        for frame in frames:
            read_layout(frame)
        for earlier in lost if frames and not heard else ():
            earlier.report(damage)
        heard = heard or bool(frames)
        yield from frames
    if lost and not heard:
        log.warning("the %s audio cannot be decoded; it is silent for as long as it lasts", stream.codec_context.name)
    damage.close()


def _shape(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, read_layout(frame).name, frame.sample_rate
