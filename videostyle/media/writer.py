"""Frames → one finished file, with the source's sound, there completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
import numpy as np
from av import Packet, VideoFormat
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.stream import VideoStream

from videostyle.errors import MediaError, OutputError
from videostyle.frames import Frame, Pixels
from videostyle.media import metadata
from videostyle.media.audio.soundtrack import Soundtrack
from videostyle.media.audio.tracks import Track, label, seconds
from videostyle.media.image.alpha import on_white
from videostyle.media.source import Clip, open_source
from videostyle.media.video import color, hdr
from videostyle.media.video.codecs import Encoding, choose, quieten

THREADS = 4  # of the encoder, whose packets may depend on it: the same on every machine
_REORDERING = ("libx264", "libx265")
_CUTTING = 2  # seconds that the sound of a range stays behind the picture, so that its end is known in time


class VideoWriter:
    """Encodes frames and adds the source's sound; a context manager.

    The file is written beside its place under another name and renamed when it is complete, so that a file at
    `path` is always whole. Timestamps are the frames' own; of a range they count from its first frame.

    Args:
        path: Where the result goes; its suffix says the container.
        clip: The source, for its clock, colors, shape and sound.
        size: (width, height) of the frames to come.
        codec: A name in `codecs.KINDS`, or all of the choice made by `codecs.choose`.
        tracks: From `sound.plan_tracks`.
        from_zero: Start the clock at the first frame, and end the sound with the last one.
        comment: How the film was made, for its metadata.

    Raises:
        OutputError: The container does not take the codec, or the file cannot be made.
        MediaError: Encoding or writing failed.

    """

    def __init__(
        self,
        path: Path,
        clip: Clip,
        size: tuple[int, int],
        codec: str | Encoding,
        tracks: list[Track],
        *,
        from_zero: bool = False,
        comment: str = "",
    ) -> None:
        self._path, self._clip, self._from_zero = path, clip, from_zero
        self._part = temp_path(path)
        film = clip.colors.for_film()
        self._encoding = codec if isinstance(codec, Encoding) else choose(path, film, codec)
        self._colors = self._encoding.colors(film)
        self._sound: Iterator[Packet[Any]] = iter(())
        self._waiting: Packet[Any] | None = None
        self._begin: Fraction | None = None
        self._end, self._written = Fraction(0), 0
        self._next: int | None = None
        with ffmpeg_errors(path):
            self._container = av.open(f"file:{self._part}", "w", container_options=container_options(path))
        try:
            with ffmpeg_errors(path):
                self._stream = self._add_film(self._container, size)
                self._soundtrack = Soundtrack(clip.path, self._container, path, tracks)
                if clip.first is None:
                    self._take_over()
                self._container.metadata["comment"] = comment
                if not from_zero:
                    self._start(clip.origin)
        except BaseException:
            self._abandon()
            raise

    def _take_over(self) -> None:
        """What the source's film is called, its tags and its attachments."""
        with open_source(self._clip.path) as (source, film):
            label(self._stream, film, self._path)
            metadata.add_attachments(self._container, source, self._path)
            metadata.add_tags(self._container, source)

    def _start(self, begin: Fraction) -> None:
        """Write the header, and set the clock: `begin` in the source is 0 in the result."""
        self._container.start_encoding()
        self._begin = begin
        self._sound = self._soundtrack.packets(begin, cut=self._from_zero)
        self._waiting = next(self._sound, None)

    def _add_film(self, container: OutputContainer, size: tuple[int, int]) -> VideoStream:
        chosen, colors = self._encoding, self._colors
        stream = cast(VideoStream, container.add_stream(chosen.encoder, rate=self._clip.rate, options=self._options()))
        context = stream.codec_context
        context.width, context.height = chosen.padded(size)
        context.pix_fmt = chosen.pixel_format
        context.time_base = stream.time_base = self._clip.time_base
        context.flags |= Flags.frame_duration
        context.thread_count = THREADS
        context.sample_aspect_ratio = self._clip.aspect
        if not self._clip.steady and chosen.encoder in _REORDERING:
            context.max_b_frames = 0  # or MP4 adds up the times of another order, and says a wrong duration
        if chosen.tag is not None:
            context.codec_tag = chosen.tag
        context.color_primaries, context.color_trc = colors.primaries, colors.transfer
        rgb = VideoFormat(chosen.pixel_format).is_rgb
        context.colorspace, context.color_range = color.RGB_TAGS if rgb else (colors.matrix, colors.range)
        return stream

    def _options(self) -> dict[str, str]:
        hdr = {} if self._clip.hdr is None else self._clip.hdr.options(self._encoding.encoder)
        options = dict(self._encoding.options)
        for more in (quieten(self._encoding.encoder), hdr):
            for name, value in more.items():
                options[name] = f"{options[name]}:{value}" if name in options else value
        return options

    def write(self, frame: Frame) -> None:
        """Encode one frame; the next one must be the next of the clip.

        Raises:
            MediaError: A frame between the last one and this is missing, or encoding failed.

        """
        if self._next is not None and frame.index != self._next:
            raise MediaError(f"frame {frame.index} came where frame {self._next} belongs, so one is lost")
        self._next = frame.index + 1
        pixels = _padded(on_white(frame.pixels, frame.alpha), self._stream)
        if self._clip.hdr is not None:
            pixels = hdr.from_display(pixels, self._clip.hdr)
        picture = color.to_picture(pixels, self._encoding.pixel_format, self._colors)
        with ffmpeg_errors(self._path):
            if self._begin is None:
                self._start(frame.seconds)
            begin = self._begin or Fraction(0)
            picture.time_base = frame.time_base
            picture.pts = frame.pts - round(begin / frame.time_base)
            picture.duration = frame.duration
            self._end = (picture.pts + frame.duration) * frame.time_base
            self._written += 1
            for packet in self._stream.encode(picture):
                self._mux(packet)

    def add(self, packet: Packet[Any], pts: int, dts: int) -> None:
        """Put in a packet of the film that was encoded before; the first one is shown before all others.

        Args:
            packet: With its duration and time base.
            pts: When it is shown, by the source's clock.
            dts: When it is decoded.

        """
        with ffmpeg_errors(self._path):
            if self._begin is None:
                self._start(pts * packet.time_base)
            offset = round((self._begin or Fraction(0)) / packet.time_base)
            packet.pts, packet.dts, packet.stream = pts - offset, dts - offset, self._stream
            self._end = max(self._end, (pts - offset + (packet.duration or 0)) * packet.time_base)
            self._written += 1
            self._mux(packet)

    def _mux(self, packet: Packet[Any]) -> None:
        """Sound first, as far as the picture has come; then the picture."""
        if packet.dts is not None and packet.time_base:
            self._mux_sound(packet.dts * packet.time_base - (_CUTTING if self._from_zero else 0))
        self._container.mux(packet)

    def _mux_sound(self, until: Fraction | None) -> None:
        while self._waiting is not None and (until is None or seconds(self._waiting) < until):
            self._container.mux(self._waiting)
            self._waiting = next(self._sound, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._abandon()
            return
        try:
            with ffmpeg_errors(self._path):
                if self._next is not None:
                    self._drain()
                if self._from_zero:
                    self._soundtrack.end = self._end
                self._mux_sound(self._end if self._from_zero else None)
                if self._clip.first is None:
                    self._add_chapters()
                self._container.close()
            self._verify()
            publish(self._part, self._path)
        except BaseException:
            self._abandon()
            raise

    def _drain(self) -> None:
        packets = self._stream.encode(None)
        if len(packets) == self._written:
            _set_decoding_times(packets)
        for packet in packets:
            self._mux(packet)

    def _add_chapters(self) -> None:
        """They go to the end of the file, where the end of a range is known."""
        end = self._begin + self._end if self._from_zero and self._begin is not None else None
        with open_source(self._clip.path) as (source, _):
            self._container.set_chapters(metadata.chapters(source, self._begin or Fraction(0), end))

    def _verify(self) -> None:
        """Read back that every frame is there and is shown."""
        with av.open(f"file:{self._part}") as container:
            film = container.streams[self._stream.index]
            stored = sum(p.size > 0 and not p.is_discard for p in container.demux(film))
        if stored != self._written:
            raise MediaError(f"{self._written} frames went into {self._path} and {stored} are in it; try .mkv")

    def _abandon(self) -> None:
        try:
            self._container.close()
        except (av.error.FFmpegError, OSError):
            pass
        finally:
            self._part.unlink(missing_ok=True)


def resolve_link(path: Path) -> Path:
    """The file that a name leads to: a symbolic link stays, and what it points to is written."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def temp_path(path: Path) -> Path:
    """Where a file is written before it gets its name: hidden, beside it."""
    place = resolve_link(path)
    return place.with_name(f".{place.stem}.part{place.suffix}")


def publish(part: Path, path: Path) -> None:
    """Give a complete file its name, and make sure that both reach the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    place = resolve_link(path)
    os.replace(part, place)
    directory = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def check_output(path: Path, clip: Clip, size: tuple[int, int], codec: str | Encoding, tracks: list[Track]) -> None:
    """Write the planned header beside `path` and remove it again.

    Raises:
        OutputError: The directory is not there or not writable, or the container cannot hold the streams.

    """
    if not path.parent.is_dir():
        raise OutputError(path, f"there is no directory {path.parent}")
    if clip.first is None:
        with open_source(clip.path) as (source, _):
            metadata.tell_left_out(source, clip.stream, path)
    VideoWriter(path, clip, size, codec, tracks)._abandon()


def container_options(path: Path) -> dict[str, str]:
    """The index in front, for playing while loading; edit lists fine enough for a late sound's first sample."""
    if path.suffix.lower() in (".mp4", ".mov", ".m4v"):
        return {"movflags": "+faststart", "movie_timescale": "90000"}
    return {}


def _set_decoding_times(packets: list[Packet[Any]]) -> None:
    """Of a whole film in decoding order: of one shorter than its lookahead x265 makes them up, from unset memory."""
    times = sorted(packet.pts or 0 for packet in packets)
    ahead = max((t - (p.pts or 0) for t, p in zip(times, packets, strict=True)), default=0)
    for time, packet in zip(times, packets, strict=True):
        packet.dts = time - ahead


@contextmanager
def ffmpeg_errors(path: Path) -> Iterator[None]:
    """FFmpeg's errors as ours."""
    try:
        yield
    except (ValueError, av.error.ArgumentError) as error:
        raise OutputError(
            path, f"{path.suffix or 'no suffix'} cannot hold this film ({error}); try .mp4 or .mkv"
        ) from error
    except PermissionError as error:
        raise OutputError(path, f"{error.strerror}; choose a directory that you may write to") from error
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"writing {path} failed: {error.strerror or error}; is the disk full?") from error


def _padded(pixels: Pixels, stream: VideoStream) -> Pixels:
    """Odd sides made even by repeating the last row or column, as 4:2:0 needs it."""
    h, w = pixels.shape[:2]
    if (w, h) == (stream.width, stream.height):
        return pixels
    return np.pad(pixels, ((0, stream.height - h), (0, stream.width - w), (0, 0)), mode="edge")
