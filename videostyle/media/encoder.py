"""Frames → packets of one video stream."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from av import CodecContext, Packet, VideoFormat, VideoFrame
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from videostyle.errors import MediaError
from videostyle.frames import Frame, Pixels
from videostyle.media.clip import Clip
from videostyle.media.image.alpha import on_white
from videostyle.media.timestamps import decode_times
from videostyle.media.video import color, hdr
from videostyle.media.video.codecs import Encoding, quiet_options

THREADS = 4  # of the encoder, whose packets may depend on it: the same on every machine
_REORDERING = ("libx264", "libx265")


class Encoder:
    """Encodes frames; packets come with the source's timestamps, and some frames later than their frame.

    Args:
        clip: The source, for its clock, colors and shape.
        size: (width, height) of the frames to come.
        encoding: From `codecs.choose`.

    """

    def __init__(self, clip: Clip, size: tuple[int, int], encoding: Encoding) -> None:
        self._clip, self._encoding = clip, encoding
        self._colors = encoding.colors(clip.colors.for_video())
        self._context = cast(VideoCodecContext, CodecContext.create(encoding.encoder, "w"))
        configure(self._context, clip, size, encoding)
        self._next_index: int | None = None
        self._frames = self._packets = 0

    def encode(self, frame: Frame) -> list[Packet[Any]]:
        """Encode one frame, and return the packets that are ready.

        Raises:
            MediaError: A frame between the last one and this is missing, or the encoder gave no timestamp.
            FFmpegError: Encoding failed.

        """
        if self._next_index is not None and frame.index != self._next_index:
            raise MediaError(f"frame {frame.index} came where frame {self._next_index} belongs, so one is lost")
        self._next_index = frame.index + 1
        self._frames += 1
        return self._on_source_clock(self._context.encode(self._to_video_frame(frame)))

    def flush(self) -> list[Packet[Any]]:
        """Return the packets of all frames that the encoder still holds back; there are no frames after this.

        Raises:
            MediaError: There are more or fewer packets than frames.
            FFmpegError: Encoding failed.

        """
        if not self._frames:
            return []
        first = not self._packets
        packets = self._on_source_clock(self._context.encode(None))
        if self._packets != self._frames:
            raise MediaError(f"{self._frames} frames became {self._packets} packets; choose another --codec")
        if first:
            _set_decode_times(packets)
        return packets

    def _to_video_frame(self, frame: Frame) -> VideoFrame:
        pixels = _padded(on_white(frame.pixels, frame.alpha), self._context.width, self._context.height)
        if self._clip.hdr is not None:
            pixels = hdr.from_display(pixels, self._clip.hdr)
        video_frame = color.to_video_frame(pixels, self._encoding.pixel_format, self._colors)
        video_frame.time_base = frame.time_base
        video_frame.pts = frame.pts - round(self._clip.origin / frame.time_base)
        video_frame.duration = frame.duration
        return video_frame

    def _on_source_clock(self, packets: list[Packet[Any]]) -> list[Packet[Any]]:
        """Undo the shift by the clip's origin, which keeps timestamps small for the encoder."""
        offset = round(self._clip.origin / self._clip.time_base)
        self._packets += len(packets)
        for packet in packets:
            if packet.pts is None:
                name = self._encoding.encoder
                raise MediaError(f"the encoder {name} gave a packet without a time; choose another --codec")
            packet.pts += offset
            if packet.dts is not None:
                packet.dts += offset
        return packets


def configure(context: VideoCodecContext, clip: Clip, size: tuple[int, int], encoding: Encoding) -> None:
    """Set up an encoder's context, so that all that are set up alike share one header and give the same packets.

    Args:
        context: Of `encoding.encoder`, not opened yet.
        clip: The source, for its clock, colors and shape.
        size: (width, height) of the frames to come.
        encoding: From `codecs.choose`.

    """
    colors = encoding.colors(clip.colors.for_video())
    context.width, context.height = encoding.padded(size)
    context.pix_fmt = encoding.pixel_format
    context.framerate, context.time_base = clip.rate, clip.time_base
    context.flags |= Flags.frame_duration | Flags.global_header
    context.thread_count = THREADS
    context.sample_aspect_ratio = clip.aspect
    if not clip.constant_rate and encoding.encoder in _REORDERING:
        context.max_b_frames = 0  # or MP4 adds up the times of another order, and says a wrong duration
    if encoding.tag is not None:
        context.codec_tag = encoding.tag
    context.color_primaries, context.color_trc = colors.primaries, colors.transfer
    rgb = VideoFormat(encoding.pixel_format).is_rgb
    context.colorspace, context.color_range = color.RGB_TAGS if rgb else (colors.matrix, colors.range)
    context.options = _options(clip, encoding)


def _options(clip: Clip, encoding: Encoding) -> dict[str, str]:
    """Merge the options of the encoding with those for silence and for HDR metadata."""
    metadata = {} if clip.hdr is None else clip.hdr.options(encoding.encoder)
    options = dict(encoding.options)
    for more in (quiet_options(encoding.encoder), metadata):
        for name, value in more.items():
            options[name] = f"{options[name]}:{value}" if name in options else value
    return options


def _set_decode_times(packets: list[Packet[Any]]) -> None:
    """Set the decode times of a whole stream: x265 takes those of one shorter than its lookahead from unset memory."""
    for packet, dts in zip(packets, decode_times([packet.pts or 0 for packet in packets]), strict=True):
        packet.dts = dts


def _padded(pixels: Pixels, width: int, height: int) -> Pixels:
    """Make odd sides even by repeating the last row or column, as 4:2:0 needs it."""
    h, w = pixels.shape[:2]
    if (w, h) == (width, height):
        return pixels
    return np.pad(pixels, ((0, height - h), (0, width - w), (0, 0)), mode="edge")
