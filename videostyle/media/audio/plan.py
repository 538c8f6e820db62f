"""Which audio and subtitle tracks a result gets: copied if its container takes them, re-encoded if not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream
from av.subtitles.stream import SubtitleStream

from videostyle.errors import OutputError
from videostyle.media.audio import subtitles
from videostyle.media.audio.tracks import Track, holds
from videostyle.media.demux import open_source

log = logging.getLogger(__name__)

FALLBACKS = ("aac", "libopus")  # encoders for what a container does not take as it is
_ENCODERS = {"mp3": "libmp3lame", "mp3float": "libmp3lame", "opus": "libopus", "vorbis": "libopus"}
_LOSSLESS = ("flac", "alac", "pcm_")
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_CHANNEL_BIT_RATE = 96_000  # bits per second of a channel
_COMMON_RATE = 48_000  # samples per second that every encoder takes


def plan_tracks(source: Path, output: Path, *, cut: bool = False, only: tuple[str, ...] = ()) -> list[Track]:
    """Plan what becomes of every audio and subtitle stream, by writing real headers in memory.

    Args:
        source: The file they are in.
        output: Where they go; its suffix says the container.
        cut: Only a range is wanted, so that audio is re-encoded to begin and end at the right sample.
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
        if holds(output, lambda trial, track=track: add_stream(trial, stream, track)):  # type: ignore[misc]
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
    """Log that audio is re-encoded, if that can be heard."""
    name = str(track.encoder).removeprefix("lib").upper()
    if not cut:
        log.warning("%s audio does not go into this %s; it is transcoded to %s", track.codec, output.suffix, name)
    elif not str(track.encoder).startswith(_LOSSLESS):
        log.warning("the audio is cut to the sample, and so encoded again as %s", name)


def add_stream(target: OutputContainer, stream: Stream, track: Track) -> Stream:
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
