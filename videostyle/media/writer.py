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
from av import Packet
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.stream import VideoStream

from videostyle.errors import MediaError, OutputError
from videostyle.frames import Frame, Pixels, at_depth
from videostyle.media import color
from videostyle.media.alpha import on_white
from videostyle.media.sound import Soundtrack, Track
from videostyle.media.source import Clip

_STEADY = "mbtree=0"  # x264's macroblock tree differs from run to run on AVX-512, at widths that are no multiple of 128
OPTIONS = {
    "h264": ("libx264", "yuv420p", {"crf": "17", "preset": "medium", "x264-params": _STEADY}),
    "ffv1": ("ffv1", "bgr0", {"level": "3", "slicecrc": "1"}),
}
THREADS = 4  # of the encoder, whose packets depend on it: the same on every machine


class VideoWriter:
    """Encodes frames and adds the source's sound; a context manager.

    The file is written beside its place under another name and renamed when it is complete, so that a file at
    `path` is always whole. Timestamps are the frames' own; of a range they count from its first frame.

    Args:
        path: Where the result goes; its suffix says the container.
        clip: The source, for its clock, colors, shape and sound.
        size: (width, height) of the frames to come.
        codec: A name in `OPTIONS`.
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
        codec: str,
        tracks: list[Track],
        *,
        from_zero: bool = False,
        comment: str = "",
    ) -> None:
        self._path, self._clip, self._from_zero = path, clip, from_zero
        self._part = part_path(path)
        self._colors = clip.colors.for_film()
        self._pixel_format = OPTIONS[codec][1]
        with _told(path):
            self._container = av.open(f"file:{self._part}", "w", container_options=_container_options(path))
        try:
            with _told(path):
                self._container.metadata["comment"] = comment
                self._stream = self._add_film(self._container, size, codec)
                self._soundtrack = Soundtrack(clip.path, self._container, tracks)
                self._container.start_encoding()
        except BaseException:
            self._abandon()
            raise
        self._sound: Iterator[Packet[Any]] | None = None
        self._waiting: Packet[Any] | None = None
        self._begin = self._end = Fraction(0)

    def _add_film(self, container: OutputContainer, size: tuple[int, int], codec: str) -> VideoStream:
        name, pixel_format, options = OPTIONS[codec]
        stream = cast(VideoStream, container.add_stream(name, rate=self._clip.rate, options=dict(options)))
        even = pixel_format == "yuv420p"
        context = stream.codec_context
        context.width, context.height = (side + side % 2 * even for side in size)
        context.pix_fmt = pixel_format
        context.time_base = stream.time_base = self._clip.time_base
        context.flags |= Flags.frame_duration
        context.thread_count = THREADS
        context.sample_aspect_ratio = self._clip.aspect
        if even:
            context.colorspace, context.color_range = self._colors.matrix, self._colors.range
            context.color_primaries, context.color_trc = self._colors.primaries, self._colors.transfer
        return stream

    def write(self, frame: Frame) -> None:
        """Encode one frame; the next one must be later."""
        self._start(frame.seconds)
        pixels = at_depth(on_white(frame.pixels, frame.alpha), np.uint8)
        picture = color.to_picture(_padded(pixels, self._stream), self._pixel_format, self._colors)
        picture.time_base = frame.time_base
        picture.pts = frame.pts - round(self._begin / frame.time_base)
        picture.duration = frame.duration
        self._end = (picture.pts + frame.duration) * frame.time_base
        with _told(self._path):
            for packet in self._stream.encode(picture):
                self._mux(packet)

    def add(self, packet: Packet[Any], pts: int, dts: int) -> None:
        """Put in a packet of the film that was encoded before; the first one is shown before all others.

        Args:
            packet: With its duration and time base.
            pts: When it is shown, by the source's clock.
            dts: When it is decoded.

        """
        self._start(pts * packet.time_base)
        offset = round(self._begin / packet.time_base)
        packet.pts, packet.dts, packet.stream = pts - offset, dts - offset, self._stream
        self._end = max(self._end, (pts - offset + (packet.duration or 0)) * packet.time_base)
        with _told(self._path):
            self._mux(packet)

    def _start(self, seconds: Fraction) -> None:
        """The first frame, `seconds` into the source, starts the clock."""
        if self._sound is None:
            self._begin = seconds if self._from_zero else Fraction(0)
            self._sound = self._soundtrack.packets(self._begin)
            self._waiting = next(self._sound, None)

    def _mux(self, packet: Packet[Any]) -> None:
        """Sound first, as far as the picture has come; then the picture."""
        if packet.dts is not None and packet.time_base:
            self._mux_sound(packet.dts * packet.time_base)
        self._container.mux(packet)

    def _mux_sound(self, until: Fraction | None) -> None:
        while self._waiting is not None and self._sound is not None:
            pts = self._waiting.pts
            if until is not None and pts is not None and pts * self._waiting.time_base >= until:
                return
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
            with _told(self._path):
                self._drain()
                self._mux_sound(self._end if self._from_zero else None)
                self._container.close()
                publish(self._part, self._path)
        except BaseException:
            self._abandon()
            raise

    def _drain(self) -> None:
        for packet in self._stream.encode(None):
            self._mux(packet)

    def _abandon(self) -> None:
        try:
            self._container.close()
        except (av.error.FFmpegError, OSError):
            pass
        finally:
            self._part.unlink(missing_ok=True)


def part_path(path: Path) -> Path:
    """Where a file is written before it gets its name: hidden, beside it."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


def publish(part: Path, path: Path) -> None:
    """Give a complete file its name, and make sure that both reach the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def check_output(path: Path, clip: Clip, size: tuple[int, int], codec: str, tracks: list[Track]) -> None:
    """Write the planned header beside `path` and remove it again.

    Raises:
        OutputError: The directory is not there or not writable, or the container cannot hold the streams.

    """
    if not path.parent.is_dir():
        raise OutputError(path, f"there is no directory {path.parent}")
    writer = VideoWriter(path, clip, size, codec, tracks)
    writer._abandon()


def _container_options(path: Path) -> dict[str, str]:
    """The index in front, for playing while loading; edit lists fine enough for a late sound's first sample."""
    if path.suffix.lower() in (".mp4", ".mov", ".m4v"):
        return {"movflags": "+faststart", "movie_timescale": "90000"}
    return {}


@contextmanager
def _told(path: Path) -> Iterator[None]:
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
