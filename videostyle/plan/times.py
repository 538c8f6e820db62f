"""When the frames of a content are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from videostyle.frames import Span
from videostyle.media import reader, sequence
from videostyle.media.content import Content, SequenceContent
from videostyle.media.existing import packet_timings
from videostyle.media.source import Clip


def possible_times(content: Content) -> Iterator[list[Fraction]]:
    """When each frame is shown, in seconds: what the packets of a video say, and if that is not it, what it shows.

    The first is known at once; what is shown of a damaged video is only known by decoding it all.
    """
    clip = content.clip
    if clip is None or isinstance(content, SequenceContent):
        rate, frames = (Fraction(1), 1) if clip is None else (clip.rate, clip.frames or 0)
        yield [index / rate for index in range(frames)]
        return
    yield in_seconds(sorted(packet.pts for packet in packet_timings(clip.path)), clip)
    yield in_seconds(reader.read_times(clip), clip)


def in_seconds(ticks: Sequence[int], clip: Clip) -> list[Fraction]:
    """Timestamps in ticks → seconds from where the clip's clock starts."""
    return [tick * clip.time_base - clip.start for tick in ticks]


def estimate_frames(span: Span, content: Content) -> int | None:
    """About how many frames of a content lie in a span; None where nothing says."""
    clip = content.clip
    if clip is None:
        return 1
    if isinstance(content, SequenceContent):
        return len(sequence.positions(clip, span))
    if clip.frames is None:
        return None if span.last is None else span.last - span.first
    begin, end = Fraction(span.first), Fraction(clip.frames)
    if span.last is not None:
        end = min(end, Fraction(span.last))
    if span.start is not None:
        begin = max(begin, span.start * clip.rate)
    if span.end is not None:
        end = min(end, span.end * clip.rate)
    return max(1, round(end - begin))
