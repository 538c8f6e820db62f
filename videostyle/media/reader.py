"""A video file as a lazy sequence of frames."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import av
import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from videostyle.errors import InputError, MediaError
from videostyle.frames import Frame, Pixels
from videostyle.media import color
from videostyle.media.source import Clip, Span, open_source

log = logging.getLogger(__name__)


def read_frames(clip: Clip, size: tuple[int, int], span: Span) -> Iterator[Frame]:
    """Yield the frames of `clip` that lie in `span`, upright, in presentation order.

    One frame is alive at a time, and the file closes when the generator does, so a caller may stop early.
    Timestamps are the stream's own: a variable frame rate and a late start pass through unchanged.

    Args:
        clip: From `source.probe`.
        size: (width, height) of the frames as shown.
        span: Which frames; frame numbers count shown frames, so all earlier ones are decoded as well.

    Raises:
        InputError: No frame lies in `span`.
        MediaError: A shown frame has no timestamp.

    """
    stored = size[::-1] if clip.rotation % 180 == 90 else size
    found = False
    with open_source(clip.path) as (container, stream):
        for index, picture in enumerate(_pictures(container, stream)):
            if picture.pts is None or picture.time_base is None:
                raise MediaError(f"frame {index} of {clip.path} has no timestamp; remux the file first")
            seconds = picture.pts * picture.time_base - clip.start
            if span.ended(index, seconds):
                break
            if not span.begun(index, seconds):
                continue
            found = True
            yield Frame(
                _upright(color.to_pixels(picture, *stored), clip.rotation),
                picture.pts,
                picture.time_base,
                picture.duration or 0,
                index,
            )
    if not found:
        raise InputError(f"no frame of {clip.path} lies in the range asked for; it has about {clip.frames}")


def _pictures(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decode packet by packet, to the very last frame that the decoder holds back."""
    for packet in container.demux(stream):
        try:
            for picture in packet.decode():
                if picture.is_corrupt:
                    log.warning("a damaged frame at %s", _clock(picture))
                yield picture
        except av.error.InvalidDataError:
            log.warning("a damaged packet was passed over; its frame is lost")


def _clock(picture: VideoFrame) -> str:
    if picture.pts is None or picture.time_base is None:
        return "an unknown time"
    return f"{float(picture.pts * picture.time_base):.3f} s"


def _upright(pixels: Pixels, rotation: int) -> Pixels:
    return np.rot90(pixels, rotation // 90) if rotation else pixels
