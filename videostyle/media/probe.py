"""A video file → Clip: what can be known of it from its headers and its first frame."""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import cast

from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from videostyle.errors import UnreadableError
from videostyle.media.clip import Clip
from videostyle.media.demux import Demuxer, decoded, open_source
from videostyle.media.marks import Marks
from videostyle.media.sidedata import side_data
from videostyle.media.video.color import PQ, Colors
from videostyle.media.video.hdr import HdrMetadata
from videostyle.timecode import Timecode

log = logging.getLogger(__name__)

MAX_START = 60  # seconds; a video that starts later is shifted to start at 0
_SAMPLED = 200  # packets after the first frame, which show whether the frame rate is constant and captions lie in them
_ROUNDING = Fraction(1, 1000)  # seconds by which a container may round the time of a packet
_SMALLEST = 4  # bytes that a frame takes in a file at least
_DEFAULT_RATE = 25  # frames per second where the file does not tell


def probe(path: Path) -> Clip:
    """Read the headers and the first frame of a video file.

    Raises:
        UnreadableError: It cannot be opened or decoded, or has no video stream.

    """
    with open_source(path) as (container, stream):
        frame, colors = _first_frame(path, container, stream)
        rotation, mirrored = orientation(frame)
        turned = rotation % 180 == 90
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        rate = Fraction(stream.average_rate or stream.guessed_rate or _DEFAULT_RATE)
        start = Fraction(container.start_time or 0, 1_000_000)
        packets = list(islice(Demuxer(container, stream), _SAMPLED))
        return Clip(
            path=path,
            stream=stream.index,
            width=frame.height if turned else frame.width,
            height=frame.width if turned else frame.height,
            rotation=rotation,
            time_base=cast(Fraction, frame.time_base),
            rate=rate,
            frames=_estimate_frames(container, stream, rate),
            start=start,
            aspect=1 / aspect if turned else aspect,
            colors=colors,
            mirrored=mirrored,
            constant_rate=_is_constant_rate(packets, stream),
            hdr=HdrMetadata.from_frame(frame) if colors.transfer == PQ else None,
            first=(frame.pts or 0) * cast(Fraction, frame.time_base),
            timecode=_timecode(container, stream, max(1, round(rate))),
            reel=_reel(container),
            marks=Marks.read(stream, frame, packets),
            origin=start if _has_no_zero(container, frame) else Fraction(0),
        )


def orientation(frame: VideoFrame) -> tuple[int, bool]:
    """Return the degrees counter-clockwise by which a stored frame is turned, and whether it is then mirrored."""
    matrix = side_data(frame).get("DISPLAYMATRIX")
    if matrix is None:
        return 0, False
    a, b, _, c, d = struct.unpack("=5i", matrix[:20])  # a column goes to (a, b), a row to (c, d)
    on_its_side = abs(b) + abs(c) > abs(a) + abs(d)
    rotation = (90 if b < 0 else 270) if on_its_side else (180 if d < 0 else 0)
    return rotation, a * d - b * c < 0


def _first_frame(path: Path, container: InputContainer, stream: VideoStream) -> tuple[VideoFrame, Colors]:
    frame = next(decoded(container, stream, quiet=True), None)
    if frame is None or frame.time_base is None:
        raise UnreadableError(path, "it has a video stream without a single frame that can be decoded")
    colors = Colors.from_frame(frame)
    if problem := colors.problem:
        raise UnreadableError(path, problem)
    return frame, colors


def _timecode(container: InputContainer, stream: VideoStream, rate: int) -> Timecode | None:
    """Return the timecode of the first frame, at `rate` frames a second; log one that cannot be."""
    said = tag(stream.metadata, "timecode") or tag(container.metadata, "timecode")
    code = Timecode.parse(said)
    problem = code.problem(rate) if code else ""
    if problem:
        log.warning("the timecode is left out: %s", problem)
    return None if problem else code


def _reel(container: InputContainer) -> str:
    return next(filter(None, (tag(stream.metadata, "reel_name") for stream in container.streams)), "")


def tag(tags: Mapping[str, str], name: str) -> str:
    """Return a tag, which Matroska writes in capitals; empty if there is none."""
    return next((value for key, value in tags.items() if key.lower() == name), "")


def _is_constant_rate(packets: Sequence[Packet[VideoStream]], stream: VideoStream) -> bool:
    """Return whether packets are equally far apart, up to the rounding of their clock."""
    times = sorted(packet.pts for packet in packets if packet.pts is not None)
    gaps = [b - a for a, b in pairwise(times)]
    tick = stream.time_base or 0
    return not gaps or (max(gaps) - min(gaps)) * tick <= max(_ROUNDING, 2 * tick)


def _has_no_zero(container: InputContainer, frame: VideoFrame) -> bool:
    """Return whether the clock's zero means nothing: a broadcast's, or one that would hide or delay the video."""
    first = (frame.pts or 0) * (frame.time_base or 1)
    return container.format.name in ("mpegts", "mpeg") or not 0 <= first < MAX_START


def _estimate_frames(container: InputContainer, stream: VideoStream, rate: Fraction) -> int | None:
    """Return the count that the header says, but no more than the file has room for."""
    count = stream.frames
    if not count and stream.duration and stream.time_base:
        count = round(stream.duration * stream.time_base * rate)
    if not count and container.duration:
        count = round(Fraction(container.duration, 1_000_000) * rate)
    return min(count, max(1, container.size // _SMALLEST)) if count > 0 else None
