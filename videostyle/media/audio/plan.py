"""Which audio and subtitle tracks a result gets: copied if its container takes them, re-encoded if not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import cast

import av
from av.audio.format import AudioFormat
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream
from av.subtitles.stream import SubtitleStream

from videostyle.errors import OutputError
from videostyle.media.audio import subtitles
from videostyle.media.audio.layout import channels, read_layout
from videostyle.media.audio.tracks import Track, holds
from videostyle.media.audio.trial import first_packet, silence
from videostyle.media.demux import open_container

log = logging.getLogger(__name__)

FALLBACKS = ("aac", "libopus")  # encoders for what a container does not take as it is
_ENCODERS = {"mp3": "libmp3lame", "mp3float": "libmp3lame", "opus": "libopus", "vorbis": "libopus"}
_LOSSLESS = ("flac", "alac", "pcm_", "truehd", "mlp", "wavpack", "tta", "ape")  # how their names begin
_NO_PCM = (".mp4", ".m4v")
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_LARGER = {True: ("5.1", "7.1"), False: ("5.0", "7.1")}  # layouts for what has no encoder of its own, by LFE
_CHANNEL_BIT_RATE = 96_000  # bits per second of a channel
_COMMON_RATE = 48_000  # samples per second that every encoder takes


def plan_tracks(
    source: Path, output: Path, *, cut: bool = False, only: tuple[str, ...] = (), first: str = ""
) -> list[Track]:
    """Plan what becomes of every audio and subtitle stream, by writing small files in memory.

    Args:
        source: The file they are in.
        output: Where they go; its suffix says the container.
        cut: Only a range is wanted, so that audio is re-encoded to begin and end at the right sample.
        only: Audio codecs that are copied, if not all.
        first: The encoder for all others, where the container takes it; empty for the usual ones.

    Raises:
        OutputError: The container takes neither the audio as it is nor AAC nor Opus.

    """
    sound = plan_sound(source, output, cut=cut, only=only, first=first)
    with open_container(source) as container:
        return [*sound, *subtitles.plan_subtitles(source, container, output)]


def plan_sound(
    source: Path, output: Path, *, cut: bool = False, only: tuple[str, ...] = (), first: str = ""
) -> list[Track]:
    """Plan what becomes of every audio stream, as `plan_tracks` does."""
    with open_container(source) as container:
        audio = [_plan(source, stream, output, cut, only, first) for stream in container.streams.audio]
    return list(filter(None, audio))


def has_audio(source: Path) -> bool:
    """Return whether a file has an audio stream."""
    with open_container(source) as container:
        return bool(container.streams.audio)


def _plan(
    source: Path, stream: AudioStream, output: Path, cut: bool, only: tuple[str, ...], first: str
) -> Track | None:
    if not getattr(stream.codec_context, "sample_rate", 0):
        log.warning("an audio track of an unknown kind is left out")
        return None
    codec = stream.codec_context.name
    welcome = (not only or codec in only) and not _plays_as_noise(codec, output)
    packet = partial(first_packet, source, stream.index)
    if not cut and welcome and holds(output, lambda trial: trial.add_stream_from_template(stream), packet):
        return Track(stream.index, codec)
    own = _ENCODERS.get(codec, codec) if cut and welcome else first
    lossless = _lossless(output) if codec.startswith(_LOSSLESS) and not only else ()
    for track in _encodings(stream, (*filter(None, [own]), *lossless, *FALLBACKS)):
        if holds(output, partial(_add_encoded, track=track), silence):
            _warn_of_encoding(track, channels(stream), output, cut or track.encoder == first)
            return track
    raise OutputError(output, f"{output.suffix} can hold neither {codec} audio nor AAC; use .mkv")


def _lossless(output: Path) -> tuple[str, ...]:
    """Return the encoders that keep every sample, for containers that do not take the source's codec."""
    return ("flac", "alac") if output.suffix.lower() == ".mkv" else ("alac",)


def _plays_as_noise(codec: str, output: Path) -> bool:
    """Whether readers before FFmpeg 6.1 and many players take such a track for noise: PCM as `ipcm`."""
    return codec.startswith("pcm_") and output.suffix.lower() in _NO_PCM


def _encodings(stream: AudioStream, encoders: tuple[str, ...]) -> Iterator[Track]:
    """Yield every way to encode a stream, the most faithful first; what keeps no channel of its own comes last."""
    for layouts in _layouts(read_layout(stream)):
        for encoder in filter(av.codecs_available.__contains__, encoders):
            for layout, rate in product(layouts, dict.fromkeys((stream.rate, _COMMON_RATE))):
                samples = _sample_format(encoder, stream.codec_context.format) if encoder.startswith(_LOSSLESS) else ""
                yield Track(stream.index, stream.codec_context.name, encoder, layout, rate, samples)


def _sample_format(encoder: str, own: AudioFormat) -> str:
    """Return the samples of a lossless encoder that hold the source's `own`, or its deepest."""
    try:
        taken = sorted(av.Codec(encoder, "w").audio_formats or (), key=lambda each: each.bits)
    except av.codec.codec.UnknownCodecError:  # there is a decoder of that name alone
        return ""
    alike = [each for each in taken if each.name in (own.packed.name, own.planar.name)]
    deep = [each for each in taken if each.bits >= own.bits]
    return next((each.name for each in (*alike, *deep, *taken[::-1])), "")


def _layouts(own: AudioLayout) -> Iterator[list[str]]:
    """Yield names of layouts: those of as many channels, then larger ones, then stereo; no LFE is lost but in that."""
    usual = _LAYOUTS.get(own.nb_channels, f"{own.nb_channels} channels")
    named = usual if "channels" in own.name else own.name  # few encoders take `7 channels (FL+FR+…)`
    low = _has_lfe(av.AudioLayout(named))
    yield [name for name in dict.fromkeys((named, usual)) if _has_lfe(av.AudioLayout(name)) == low]
    larger = {name: av.AudioLayout(name).nb_channels for name in _LARGER[low]}
    yield [name for name, count in larger.items() if 2 < own.nb_channels < count]
    yield ["stereo"]


def _has_lfe(layout: AudioLayout) -> bool:
    return any(channel.name == "LFE" for channel in layout.channels)


def _warn_of_encoding(track: Track, count: int, output: Path, cut: bool) -> None:
    """Log that audio of `count` channels is re-encoded, if that can be heard."""
    name = str(track.encoder).removeprefix("lib").upper()
    if count != av.AudioLayout(track.layout).nb_channels:
        log.warning(
            "%d channels do not go into %s as %s; they are mixed to %s", count, output.suffix, name, track.layout
        )
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
    return _add_encoded(target, track)


def _add_encoded(target: OutputContainer, track: Track) -> AudioStream:
    assert track.encoder is not None
    added = cast(AudioStream, target.add_stream(track.encoder, rate=track.rate))
    added.layout = track.layout
    if track.format:
        added.codec_context.format = av.AudioFormat(track.format)
    if not track.encoder.startswith(_LOSSLESS):
        added.bit_rate = _CHANNEL_BIT_RATE * added.channels
    return added
