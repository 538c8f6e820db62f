"""Frames and files that our own reader and writer make, without a job around them."""

from __future__ import annotations

from pathlib import Path

from videostyle.frames import Frame, Span
from videostyle.media.audio.plan import plan_tracks
from videostyle.media.clip import Clip
from videostyle.media.probe import probe
from videostyle.media.reader import read_frames
from videostyle.media.video.codecs import Encoding, choose
from videostyle.media.writer import VideoWriter

MADE = '{"videostyle":"by a test"}'


def read(path: Path, span: Span = Span(), size: tuple[int, int] | None = None) -> list[Frame]:
    """All frames of a file in a range."""
    clip = probe(path)
    return list(read_frames(clip, size or (clip.width, clip.height), span))


def encoding_for(output: Path, clip: Clip, codec: str = "ffv1") -> Encoding:
    """The encoding of a copy of a clip."""
    return choose(output, clip.colors.for_video(), codec)


def copy(source: Path, output: Path, span: Span = Span(), codec: str = "ffv1") -> Path:
    """A file with the frames of another one in a range, and its sound."""
    clip = probe(source)
    size, tracks = (clip.width, clip.height), plan_tracks(source, output, cut=not span.whole)
    encoding, part = encoding_for(output, clip, codec), not span.whole
    with VideoWriter(output, clip, size, encoding, tracks, from_zero=part, comment=MADE) as writer:
        for frame in read_frames(clip, size, span):
            writer.write(frame)
    return output
