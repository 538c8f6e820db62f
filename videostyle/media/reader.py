"""A video file → frames, one after another, upright and in RGB."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import chain, groupby

import av
import numpy as np
from av import VideoFormat, VideoFrame
from av.filter import Graph

from videostyle.errors import InputError
from videostyle.frames import Frame, Pixels, Span
from videostyle.media.clip import Clip
from videostyle.media.demux import decoded, open_source
from videostyle.media.marks import WITHOUT_CAPTIONS, has_captions
from videostyle.media.video import color, hdr

log = logging.getLogger(__name__)

_DEINTERLACE = "mode=send_frame:parity=auto:deint=interlaced"

Warn = Callable[..., None]


def read_frames(clip: Clip, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Frame]:
    """Yield the frames of `clip` that lie in `span`, upright, in presentation order.

    One frame is alive at a time, and the file closes when the generator does, so a caller may stop early.
    Timestamps are the stream's own: a variable frame rate and a late start pass through unchanged.

    Args:
        clip: From `probe`.
        size: (width, height) of the frames as shown.
        span: Which frames; indices count shown frames, so all earlier ones are decoded as well.
        quiet: Log nothing about what is wrong with the file.

    Raises:
        InputError: No frame lies in `span`.
        UnreadableError: The file is not there any more, or too many frames in a row are damaged.

    """
    found = False
    with closing(_shown(clip, quiet=quiet)) as shown:
        for index, (frame, pts, duration) in enumerate(shown):
            seconds = pts * clip.time_base - clip.start
            if span.ended(index, seconds):
                break
            if span.contains(index, seconds):
                found = True
                yield Frame(_to_pixels(frame, clip, size), pts, clip.time_base, duration, index)
    if not found:
        raise InputError(f"no frame of {clip.path} lies in the range asked for; it has about {clip.frames}")


def read_times(clip: Clip) -> list[int]:
    """Return when each frame of `clip` is shown, in ticks, for sure: all of it is decoded."""
    with open_source(clip.path) as (container, stream):
        return [pts for _, pts, _ in _timestamped(decoded(container, stream, quiet=True), clip, log.debug)]


def _shown(clip: Clip, *, quiet: bool) -> Generator[tuple[VideoFrame, int, int], None, None]:
    """Yield each decoded frame, without combs, with its timestamp and duration in ticks."""
    warn = log.debug if quiet else log.warning
    with open_source(clip.path) as (container, stream):
        frames = decoded(container, stream, quiet=quiet)
        frames = _warn_of_transparency(frames, warn)
        frames = frames if clip.marks.captions else _warn_of_captions(frames, warn)
        frames = _warn_of_sizes(frames, warn)
        yield from _timestamped(_progressive(frames, warn), clip, warn)


def _to_pixels(frame: VideoFrame, clip: Clip, size: tuple[int, int]) -> Pixels:
    """Return (H, W, 3) RGB, upright and scaled to (width, height) `size`; PQ as a display shows it."""
    stored = size[::-1] if clip.rotation % 180 == 90 else size
    pixels = color.to_pixels(frame, *stored)
    if clip.hdr is not None:
        pixels = hdr.to_display(pixels, clip.hdr)
    turned = np.rot90(pixels, clip.rotation // 90) if clip.rotation else pixels
    return turned[:, ::-1] if clip.mirrored else turned


def _timestamped(frames: Iterator[VideoFrame], clip: Clip, warn: Warn) -> Iterator[tuple[VideoFrame, int, int]]:
    """Yield each frame with its timestamp and duration in ticks: timestamps rise, and a frame lasts until the next."""
    previous: VideoFrame | None = None
    before = 0
    for frame in frames:
        if previous is None:
            previous, before = frame, frame.pts or 0
            continue
        pts = frame.pts if frame.pts is not None else before + (previous.duration or clip.usual_duration)
        if pts <= before:
            warn("a frame at %.3f s is not later than the one before; it is moved", pts * clip.time_base)
            pts = before + 1
        yield previous, before, pts - before
        previous, before = frame, pts
    if previous is not None:
        yield previous, before, previous.duration or clip.usual_duration


def _warn_of_transparency(frames: Iterator[VideoFrame], warn: Warn) -> Iterator[VideoFrame]:
    """Pass frames on; log the first one that is not opaque."""
    warned = False
    for frame in frames:
        if not warned and color.is_transparent(frame):
            warn("the video is partly transparent; it is laid on white")
            warned = True
        yield frame


def _warn_of_captions(frames: Iterator[VideoFrame], warn: Warn) -> Iterator[VideoFrame]:
    """Pass frames on; log the first one that has captions, which begin late."""
    warned = False
    for frame in frames:
        if not warned and has_captions(frame):
            warn(WITHOUT_CAPTIONS)
            warned = True
        yield frame


def _warn_of_sizes(frames: Iterator[VideoFrame], warn: Warn) -> Iterator[VideoFrame]:
    """Pass frames on; log the first one that has another size than those before."""
    first: tuple[int, int] | None = None
    warned = False
    for frame in frames:
        size = frame.width, frame.height
        first = first or size
        if size != first and not warned:
            warn("the frame size changes from %dx%d to %dx%d; all frames are scaled to one size", *first, *size)
            warned = True
        yield frame


def _progressive(frames: Iterator[VideoFrame], warn: Warn) -> Iterator[VideoFrame]:
    """Pass frames on; from the first interlaced one, deinterlace them, one out for each one in."""
    for frame in frames:
        if frame.interlaced_frame:
            warn("the video is interlaced; it is deinterlaced, one frame for each one it has")
            yield from _deinterlaced(chain([frame], frames))
            return
        yield frame


def _deinterlaced(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """Apply bwdif, which keeps order and count but runs one frame behind; each frame keeps its timestamp."""
    for _, alike in groupby(frames, _shape):
        graph, waiting = None, deque[VideoFrame]()
        for frame in alike:
            graph = graph or _bwdif(frame)
            waiting.append(frame)
            graph.push(frame)
            yield from _pulled(graph, waiting)
        if graph is not None:
            graph.push(None)
            yield from _pulled(graph, waiting)


def _shape(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name


def _bwdif(frame: VideoFrame) -> Graph:
    """Build a filter graph for frames like this one."""
    graph = Graph()
    width, height, name = _shape(frame)
    source = graph.add_buffer(width=width, height=height, format=VideoFormat(name), time_base=frame.time_base)
    graph.link_nodes(source, graph.add("bwdif", _DEINTERLACE), graph.add("buffersink")).configure()
    return graph


def _pulled(graph: Graph, waiting: deque[VideoFrame]) -> Iterator[VideoFrame]:
    """Yield what the filter has finished, each with the times of the frame it was made of."""
    while True:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        original = waiting.popleft()
        frame.time_base, frame.pts, frame.duration = original.time_base, original.pts, original.duration
        yield frame
