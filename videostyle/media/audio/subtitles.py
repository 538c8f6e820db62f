"""Subtitles: copied if the container takes them, converted if it takes other text, and left out if neither."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import av
from av import Packet
from av.container import InputContainer, OutputContainer
from av.subtitles.stream import SubtitleStream

from videostyle.media.audio.tracks import Track, holds
from videostyle.media.audio.trial import first_packet, line

log = logging.getLogger(__name__)

_TEXT = {".mp4": "mov_text", ".m4v": "mov_text", ".mov": "mov_text", ".mkv": "subrip", ".webm": "webvtt"}
_BITMAPS = ("hdmv_pgs_subtitle", "pgssub", "dvd_subtitle", "dvdsub", "dvb_subtitle", "dvbsub", "xsub")


def plan_subtitles(source: Path, container: InputContainer, output: Path) -> Iterator[Track]:
    """Yield the plan of every subtitle stream of the opened file `source` that `output` can hold; log the others."""
    for stream in container.streams.subtitles:
        track = _plan(source, stream, output)
        if track is not None:
            yield track


def _plan(source: Path, stream: SubtitleStream, output: Path) -> Track | None:
    if getattr(stream, "codec_context", None) is None:
        log.warning("subtitles of an unknown kind are left out")
        return None
    track = Track(stream.index, stream.codec_context.name)
    first = partial(first_packet, source, stream.index)
    if holds(output, lambda trial: trial.add_stream_from_template(stream), first):
        return track
    encoder = _TEXT.get(output.suffix.lower())
    if track.codec not in _BITMAPS and encoder is not None:
        converted = replace(track, encoder=encoder)
        if holds(output, lambda trial: add_subtitles(trial, stream, converted), line):
            log.warning("%s cannot hold %s subtitles; they become %s", output.suffix, track.codec, encoder)
            return converted
    log.warning("%s cannot hold %s subtitles; they are left out; .mkv keeps them", output.suffix, track.codec)
    return None


def add_subtitles(target: OutputContainer, stream: SubtitleStream, track: Track) -> SubtitleStream:
    """Add a stream for `track`, a plan for `stream`, to `target`."""
    if track.encoder is None:
        return target.add_stream_from_template(stream)
    stream.codec_context.open(strict=False)  # the decoder knows the styles that the encoder asks for
    added = cast(SubtitleStream, target.add_stream(track.encoder))
    added.codec_context.subtitle_header = stream.codec_context.subtitle_header
    added.time_base = stream.time_base
    return added


def convert(packet: Packet[Any], source: SubtitleStream, target: SubtitleStream) -> Iterator[Packet[Any]]:
    """Yield the packet in the target's text format; nothing if it is damaged or empty."""
    if not packet.size:
        return
    try:
        text = source.codec_context.decode2(packet)
        if text is None or not len(text):
            return
        converted = target.codec_context.encode_subtitle(text)
    except (av.error.FFmpegError, ValueError) as error:
        log.warning("a subtitle is left out: %s", error)
        return
    converted.stream, converted.time_base = target, packet.time_base
    converted.pts, converted.dts, converted.duration = packet.pts, packet.pts, packet.duration
    yield converted
