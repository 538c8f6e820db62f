"""Packets of a video stream, with the source's audio, subtitles and tags → one finished file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
import numpy as np
from av import Packet
from av.container import OutputContainer
from av.video.stream import VideoStream

from videostyle.errors import MediaError, OutputError
from videostyle.frames import Frame
from videostyle.media import metadata
from videostyle.media.audio.soundtrack import Soundtrack
from videostyle.media.audio.tracks import Track, label
from videostyle.media.clip import Clip
from videostyle.media.demux import open_source, seconds
from videostyle.media.encoder import Encoder, configure
from videostyle.media.ffmpeg import ffmpeg_errors
from videostyle.media.files import create_part, publish_output
from videostyle.media.video.codecs import Encoding

_RANGE_LAG = 2  # seconds by which the audio of a range stays behind its video, so that its end is known in time


class Muxer:
    """Joins encoded packets with the audio, subtitles, tags and chapters of the source; a context manager.

    The file is written under a temporary name beside its place and renamed when it is complete, so that a file at
    `path` is always whole. Timestamps are the source's; those of a range count from its first frame.

    Args:
        path: Where the result goes; its suffix says the container.
        clip: The source.
        size: (width, height) of the frames.
        encoding: From `codecs.choose`; the packets come from an `Encoder` of it.
        tracks: From `audio.plan.plan_tracks`.
        from_zero: Start the clock at the first frame, and end the audio with the last one.
        comment: How the video was made, for its metadata.
        replace: Take the place of a file that is there.

    Raises:
        AppearedError: A file is there, and is not to be replaced.
        OutputError: The container does not take the codec, or the file cannot be made.
        MediaError: Writing failed.

    """

    def __init__(
        self,
        path: Path,
        clip: Clip,
        size: tuple[int, int],
        encoding: Encoding,
        tracks: list[Track],
        *,
        from_zero: bool = False,
        comment: str = "",
        replace: bool = True,
    ) -> None:
        self._path, self._clip, self._from_zero, self._replace = path, clip, from_zero, replace
        self._begin: Fraction | None = None
        self._end, self._count = Fraction(0), 0
        self._others: Iterator[Packet[Any]] = iter(())
        self._next_other: Packet[Any] | None = None
        tags = _user_tags(clip)
        with ffmpeg_errors(path):
            self._part = create_part(path)
            options = container_options(path, tags)
            try:
                self._container = av.open(f"file:{self._part}", "w", container_options=options)
            except BaseException:
                self._part.unlink(missing_ok=True)
                raise
        try:
            with ffmpeg_errors(path):
                self._stream = _add_video(self._container, clip, size, encoding)
                self._soundtrack = Soundtrack(clip.sound or clip.path, self._container, path, tracks)
                self._add_metadata(tags, comment)
                if not from_zero:
                    self._start(clip.origin)
        except BaseException:
            self.discard()
            raise

    def mux(self, packet: Packet[Any]) -> None:
        """Write a packet of the video; the first one is shown before all others.

        Args:
            packet: With pts, dts, duration and time base by the source's clock.

        """
        with ffmpeg_errors(self._path):
            if self._begin is None:
                self._start(seconds(packet))
            offset = round((self._begin or Fraction(0)) / packet.time_base)
            packet.pts, packet.dts = cast(int, packet.pts) - offset, cast(int, packet.dts) - offset
            packet.stream = self._stream
            self._end = max(self._end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            self._count += 1
            self._mux_others(packet.dts * packet.time_base - (_RANGE_LAG if self._from_zero else 0))
            self._container.mux(packet)

    def rehearse(self, packets: Iterable[Packet[Any]]) -> Path:
        """Write packets of the video from 0 on and one of each other track, close the file, and return its path.

        Raises:
            OutputError: The container refuses a track, which some do only then.

        """
        with ffmpeg_errors(self._path):
            set_marks(self._stream, self._clip, self._clip.first)
            self._container.start_encoding()
            for packet in packets:
                packet.stream = self._stream
                self._container.mux(packet)
            for packet in self._soundtrack.samples():
                self._container.mux(packet)
            self._container.close()
        return self._part

    def discard(self) -> None:
        """Close the file and remove it."""
        try:
            self._container.close()
        except (av.error.FFmpegError, OSError):
            pass
        finally:
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
            return
        try:
            with ffmpeg_errors(self._path):
                self._finish()
            self._verify()
            publish_output(self._part, self._path, replace=self._replace)
        except BaseException:
            self.discard()
            raise

    def _add_metadata(self, tags: Mapping[str, str], comment: str) -> None:
        """Take over the tags and attachments of the source and the name of its video stream."""
        if not self._clip.is_sequence:
            with open_source(self._clip.path) as (source, stream):
                label(self._stream, stream, self._path)
                metadata.add_attachments(self._container, source, self._path)
        metadata.add_tags(self._container, tags, self._path, comment)

    def _start(self, begin: Fraction) -> None:
        """Write the header, and set the clock: `begin` seconds in the source are 0 in the result."""
        set_marks(self._stream, self._clip, begin if self._from_zero else self._clip.first)
        self._container.start_encoding()
        self._begin = begin
        self._others = self._soundtrack.packets(begin, cut=self._from_zero)
        self._next_other = next(self._others, None)

    def _mux_others(self, until: Fraction | None) -> None:
        """Write the packets of audio and subtitles that are presented before `until` seconds; None writes all."""
        while self._next_other is not None and (until is None or seconds(self._next_other) < until):
            self._container.mux(self._next_other)
            self._next_other = next(self._others, None)

    def _finish(self) -> None:
        """Write the rest of audio and subtitles, the chapters and the index."""
        if self._from_zero:
            self._soundtrack.end = self._end
        self._mux_others(self._end if self._from_zero else None)
        if not self._clip.is_sequence:
            self._add_chapters()
        self._container.close()

    def _add_chapters(self) -> None:
        """Add them at the end of the file, where the end of a range is known."""
        begin = self._begin or Fraction(0)
        with open_source(self._clip.path) as (source, _):
            self._container.set_chapters(
                metadata.chapters(source, begin, begin + self._end if self._from_zero else None)
            )

    def _verify(self) -> None:
        """Read the file back: every packet must be there and be shown."""
        with av.open(f"file:{self._part}") as container:
            packets = container.demux(container.streams[self._stream.index])
            stored = sum(packet.size > 0 and not packet.is_discard for packet in packets)
        if stored != self._count:
            raise MediaError(f"{self._count} frames went into {self._path} and {stored} are in it; try .mkv")


def _user_tags(clip: Clip) -> dict[str, str]:
    if clip.is_sequence:
        return {}
    with open_source(clip.path) as (source, _):
        return metadata.user_tags(source)


def check_output(path: Path, clip: Clip, size: tuple[int, int], encoding: Encoding, tracks: list[Track]) -> None:
    """Write a file of one gray frame and a packet of each track beside `path`, and remove it again.

    Raises:
        OutputError: The directory is not there or not writable, or the container cannot hold the streams.
        MediaError: Encoding failed.

    """
    if not path.parent.is_dir():
        raise OutputError(path, f"there is no directory {path.parent}")
    muxer = Muxer(path, clip, size, encoding, tracks, from_zero=True)
    try:
        with ffmpeg_errors(path):
            packets = _gray(replace(clip, origin=Fraction(0)), size, encoding)
        trial = muxer.rehearse(packets)
        if not clip.is_sequence:
            with open_source(clip.path) as (source, _):
                metadata.warn_of_losses(source, clip.stream, path)
                metadata.warn_of_lost_tags(source, trial, path)
    finally:
        muxer.discard()


def _gray(clip: Clip, size: tuple[int, int], encoding: Encoding) -> list[Packet[Any]]:
    """Return the packets of one gray frame at time 0."""
    pixels = np.full((size[1], size[0], 3), 128, np.uint8)
    encoder = Encoder(clip, size, encoding)
    return [*encoder.encode(Frame(pixels, 0, clip.time_base, clip.usual_duration, 0)), *encoder.flush()]


def set_marks(stream: VideoStream, clip: Clip, seconds: Fraction) -> None:
    """Give a stream, before its header is written, the marks of `clip`, and its timecode at so many seconds in it."""
    if clip.marks.stereo and not (clip.rotation or clip.mirrored):
        stream.metadata["stereo_mode"] = clip.marks.stereo
    if code := clip.timecode_at(seconds):
        stream.metadata["timecode"] = str(code)
        if clip.reel:
            stream.metadata["reel_name"] = clip.reel


def container_options(path: Path, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the muxer's options: the index in front, to play while loading; edit lists exact to an audio sample.

    Args:
        path: Of the file.
        tags: That the user's own file has.

    """
    if path.suffix.lower() in (".mp4", ".mov", ".m4v"):
        keys = "+use_metadata_tags" if metadata.needs_keys(tags, path) else ""
        return {"movflags": f"+faststart{keys}", "movie_timescale": "90000", "write_tmcd": "1"}
    return {}


def _add_video(container: OutputContainer, clip: Clip, size: tuple[int, int], encoding: Encoding) -> VideoStream:
    """Add a stream whose header is that of an `Encoder` of the same arguments."""
    stream = cast(VideoStream, container.add_stream(encoding.encoder, rate=clip.rate))
    configure(stream.codec_context, clip, size, encoding)
    stream.time_base = clip.time_base
    return stream
