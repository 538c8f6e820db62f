"""A packet of a track, to try a container with: some refuse a track only when its first packet comes, or at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av import AudioFrame, Packet
from av.audio.stream import AudioStream
from av.stream import Stream
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import SubtitleSet

from videostyle.media.demux import Demuxer, open_container

_SEARCHED = 500  # packets of all streams among which the first one of a track is looked for
_MS = Fraction(1, 1000)
_LINE = b"0,0,Default,,0,0,0,,x"


def first_packet(source: Path, index: int, target: Stream) -> Iterator[Packet[Any]]:
    """Yield the first packet of a stream of the file `source`, for `target`; nothing if the stream begins late."""
    with open_container(source) as container:
        for packet in islice(Demuxer(container), _SEARCHED):
            if packet.stream.index == index and packet.size:
                offset = packet.dts if packet.dts is not None else packet.pts
                packet.pts = None if packet.pts is None or offset is None else packet.pts - offset
                packet.dts = None if packet.dts is None else 0
                packet.stream = target
                yield packet
                return


def silence(target: Stream) -> Iterable[Packet[Any]]:
    """Return the packets of a moment of silence."""
    context = cast(AudioStream, target).codec_context
    context.open(strict=False)
    count = context.frame_size or 1024
    shape = (1, count * context.channels)
    frame = AudioFrame.from_ndarray(np.zeros(shape, np.int16), format="s16", layout=context.layout)
    frame.sample_rate, frame.pts = context.rate, 0
    resampler = av.AudioResampler(format=context.format, layout=context.layout, rate=context.rate)
    frames = resampler.resample(frame)
    return [packet for each in (*frames, None) for packet in cast(AudioStream, target).encode(each)]


def line(target: Stream) -> Iterable[Packet[Any]]:
    """Return the packet of a line of text that is read for a second."""
    stream = cast(SubtitleStream, target)
    packet = stream.codec_context.encode_subtitle(SubtitleSet.create(_LINE, 0, 1000, 0))
    packet.stream, packet.time_base = target, _MS
    packet.pts, packet.dts, packet.duration = 0, 0, 1000
    return [packet]
