"""A video file as a lazy sequence of frames."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain, groupby

import av
import numpy as np
from av import VideoFormat, VideoFrame
from av.filter import Graph

from videostyle.errors import InputError
from videostyle.frames import Frame, Pixels, Span
from videostyle.media.source import Clip, decoded, open_source
from videostyle.media.video import color, hdr

log = logging.getLogger(__name__)

_DEINTERLACE = "mode=send_frame:parity=auto:deint=interlaced"

Tell = Callable[..., None]


def read_frames(clip: Clip, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Frame]:
    """Yield the frames of `clip` that lie in `span`, upright, in presentation order.

    One frame is alive at a time, and the file closes when the generator does, so a caller may stop early.
    Timestamps are the stream's own: a variable frame rate and a late start pass through unchanged.

    Args:
        clip: From `source.probe`.
        size: (width, height) of the frames as shown.
        span: Which frames; frame numbers count shown frames, so all earlier ones are decoded as well.
        quiet: What is wrong with the file was told before.

    Raises:
        InputError: No frame lies in `span`.
        UnreadableError: The file is not there any more, or too many frames in a row are damaged.

    """
    stored = size[::-1] if clip.rotation % 180 == 90 else size
    found, tell = False, log.debug if quiet else log.warning
    with open_source(clip.path) as (container, stream):
        pictures = _progressive(_of_one_size(_opaque(decoded(container, stream, quiet=quiet), tell), tell), tell)
        for index, (picture, pts, duration) in enumerate(_timed(pictures, clip, tell)):
            seconds = pts * clip.time_base - clip.start
            if span.ended(index, seconds):
                break
            if not span.begun(index, seconds):
                continue
            found = True
            pixels = color.to_pixels(picture, *stored)
            if clip.hdr is not None:
                pixels = hdr.to_display(pixels, clip.hdr)
            yield Frame(_upright(pixels, clip), pts, clip.time_base, duration, index)
    if not found:
        raise InputError(f"no frame of {clip.path} lies in the range asked for; it has about {clip.frames}")


def read_times(clip: Clip) -> list[int]:
    """When each frame of `clip` is shown, in ticks, known for sure: by decoding all of it."""
    with open_source(clip.path) as (container, stream):
        return [pts for _, pts, _ in _timed(decoded(container, stream, quiet=True), clip, log.debug)]


def _timed(pictures: Iterator[VideoFrame], clip: Clip, tell: Tell) -> Iterator[tuple[VideoFrame, int, int]]:
    """Each picture with its timestamp and duration in ticks: timestamps rise, and a frame lasts until the next."""
    usual = max(1, round(1 / (clip.rate * clip.time_base)))
    held: VideoFrame | None = None
    before = 0
    for picture in pictures:
        if held is None:
            held, before = picture, picture.pts or 0
            continue
        pts = picture.pts if picture.pts is not None else before + (held.duration or usual)
        if pts <= before:
            tell("a frame at %.3f s is not later than the one before; it is moved", pts * clip.time_base)
            pts = before + 1
        yield held, before, pts - before
        held, before = picture, pts
    if held is not None:
        yield held, before, held.duration or usual


def _opaque(pictures: Iterator[VideoFrame], tell: Tell) -> Iterator[VideoFrame]:
    """The same pictures; the first one that is not opaque is told."""
    told = False
    for picture in pictures:
        if not told and color.transparent(picture):
            tell("the film is partly transparent; it is laid on white")
            told = True
        yield picture


def _of_one_size(pictures: Iterator[VideoFrame], tell: Tell) -> Iterator[VideoFrame]:
    """The same pictures; the first that has another size is told."""
    first: tuple[int, int] | None = None
    told = False
    for picture in pictures:
        size = picture.width, picture.height
        first = first or size
        if size != first and not told:
            tell("the picture changes from %dx%d to %dx%d; all of it is scaled to one size", *first, *size)
            told = True
        yield picture


def _progressive(pictures: Iterator[VideoFrame], tell: Tell) -> Iterator[VideoFrame]:
    """The same pictures, from the first interlaced one on without their combs: one out for each one in."""
    for picture in pictures:
        if picture.interlaced_frame:
            tell("the film is interlaced; it is deinterlaced, one frame for each one it has")
            yield from _deinterlaced(chain([picture], pictures))
            return
        yield picture


def _deinterlaced(pictures: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """bwdif, which keeps order and count but runs one picture behind; times stay those of the pictures put in."""
    for _, alike in groupby(pictures, _shape):
        graph, waiting = None, deque[VideoFrame]()
        for picture in alike:
            graph = graph or _comb_filter(picture)
            waiting.append(picture)
            graph.push(picture)
            yield from _pulled(graph, waiting)
        if graph is not None:
            graph.push(None)
            yield from _pulled(graph, waiting)


def _shape(picture: VideoFrame) -> tuple[int, int, str]:
    return picture.width, picture.height, picture.format.name


def _comb_filter(picture: VideoFrame) -> Graph:
    graph = Graph()
    width, height, name = _shape(picture)
    source = graph.add_buffer(width=width, height=height, format=VideoFormat(name), time_base=picture.time_base)
    graph.link_nodes(source, graph.add("bwdif", _DEINTERLACE), graph.add("buffersink")).configure()
    return graph


def _pulled(graph: Graph, waiting: deque[VideoFrame]) -> Iterator[VideoFrame]:
    while True:
        try:
            picture = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        original = waiting.popleft()
        picture.time_base, picture.pts, picture.duration = original.time_base, original.pts, original.duration
        yield picture


def _upright(pixels: Pixels, clip: Clip) -> Pixels:
    turned = np.rot90(pixels, clip.rotation // 90) if clip.rotation else pixels
    return turned[:, ::-1] if clip.mirrored else turned
