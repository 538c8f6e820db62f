"""What a video file is, told before any work is done."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import cast

import av
from av import VideoFrame
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.stream import VideoStream

from videostyle.errors import UnreadableError
from videostyle.media.audio.tracks import demuxed, seconds
from videostyle.media.video.color import PQ, Colors
from videostyle.media.video.hdr import HdrMetadata

log = logging.getLogger(__name__)

LARGEST = 64_000_000  # pixels of a frame
LATE = 60  # seconds; a film whose clock starts later than this has a clock without a zero
NO_FILMS = ("hls", "dash", "concat", "sdp", "rtsp", "sap", "lavfi", "image2", "smoothstreaming", "webm_dash_manifest")
_LISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"http://", b"https://", b"rtsp://", b"v=0\n", b"[playlist]")
_DECODER_THREADS = 2
_SAMPLED = 200  # packets that tell whether a film's rate is constant
_ROUNDING = Fraction(1, 1000)  # seconds
_MISSING = Fraction(1, 4)  # seconds that a whole file may be shorter than it says
_TOLD = 10  # damaged places that are told one by one
LONGEST_HOLE = 500  # packets in a row that may be lost: two of the longest GOPs that encoders make unasked
_SMALLEST = 4  # bytes that a frame takes in a file at least


@dataclass(frozen=True, eq=False)
class Clip:
    """Facts of a video source.

    Args:
        path: The file.
        stream: Index of its film among all streams; cover art is never the film.
        width, height: As shown, after rotation.
        rotation: Degrees counter-clockwise that the stored picture is turned by to show it: 0, 90, 180 or 270.
        time_base: Of the frames' timestamps.
        rate: Average frames per second, for progress and encoder hints only.
        frames: Estimate of how many frames there are, for progress only; None where nothing tells.
        start: Seconds at which the file's clock starts; ranges in seconds count from here.
        aspect: Sample aspect ratio as shown.
        colors: Of the stored picture.
        first: Number of the first file of a sequence of pictures; None for a film.
        mirrored: The turned picture is shown with left and right exchanged.
        origin: Seconds on the file's clock that are 0 in a result of the whole clip.
        hdr: How bright it is, if it is PQ.
        steady: Its frames follow one another at one rate, as far as its beginning tells.

    """

    path: Path
    stream: int
    width: int
    height: int
    rotation: int
    time_base: Fraction
    rate: Fraction
    frames: int | None
    start: Fraction
    aspect: Fraction
    colors: Colors
    first: int | None = None
    mirrored: bool = False
    origin: Fraction = Fraction(0)
    hdr: HdrMetadata | None = None
    steady: bool = True


def probe(path: Path) -> Clip:
    """Look into a video file, as far as its first frame.

    Raises:
        UnreadableError: It cannot be opened or decoded, or has no film.

    """
    with open_source(path) as (container, stream):
        picture = next(decoded(container, stream, quiet=True), None)
        if picture is None or picture.time_base is None:
            raise UnreadableError(path, "it has a video stream without a single frame that can be decoded")
        if problem := Colors.from_frame(picture).problem:
            raise UnreadableError(path, problem)
        rotation, mirrored = orientation(picture)
        turned = rotation % 180 == 90
        size = picture.width, picture.height
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        start = Fraction(container.start_time or 0, 1_000_000)
        return Clip(
            path=path,
            stream=stream.index,
            width=size[1] if turned else size[0],
            height=size[0] if turned else size[1],
            rotation=rotation,
            time_base=picture.time_base,
            rate=rate,
            frames=_estimated_frames(container, stream, rate),
            start=start,
            aspect=1 / aspect if turned else aspect,
            colors=Colors.from_frame(picture),
            mirrored=mirrored,
            steady=_steady(container, stream),
            hdr=HdrMetadata.from_frame(picture) if Colors.from_frame(picture).transfer == PQ else None,
            origin=start if _has_no_zero(container, picture) else Fraction(0),
        )


def orientation(picture: VideoFrame) -> tuple[int, bool]:
    """How the stored picture is shown: turned by so many degrees counter-clockwise, and then perhaps mirrored."""
    matrix = cast(SideData | None, picture.side_data.get("DISPLAYMATRIX"))
    if matrix is None:
        return 0, False
    a, b, _, c, d = struct.unpack("=5i", bytes(matrix)[:20])  # a column goes to (a, b), a row to (c, d)
    on_its_side = abs(b) + abs(c) > abs(a) + abs(d)
    rotation = (90 if b < 0 else 270) if on_its_side else (180 if d < 0 else 0)
    return rotation, a * d - b * c < 0


@contextmanager
def open_source(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and its film; only local files, and no protocol that a playlist could smuggle in.

    Raises:
        UnreadableError: There is no such file, it is no video, its frames are too large, or decoding it failed.

    """
    if not path.is_file():
        raise UnreadableError(path, "there is no such file" if not path.exists() else "it is no file")
    options = {"protocol_whitelist": "file", "format_whitelist": _films(), "max_pixels": str(LARGEST)}
    try:
        with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
            stream = _film(container, path)
            context = stream.codec_context
            if context.width * context.height > LARGEST:
                raise UnreadableError(path, f"{context.width}x{context.height} is more than {LARGEST:,} pixels a frame")
            context.options = {"max_pixels": str(LARGEST)}
            context.thread_type = "SLICE"  # frame threads can hang beside torch
            context.thread_count = _DECODER_THREADS
            yield container, stream
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableError(path, _reason(path, error)) from error


def decoded(container: InputContainer, stream: VideoStream, *, quiet: bool = False) -> Iterator[VideoFrame]:
    """Decode packet by packet, to the very last frame that the decoder holds back.

    A damaged packet costs its frame, a file that breaks off its end; both are told unless `quiet`.

    Raises:
        UnreadableError: Too many packets in a row are lost.

    """
    damage, lost = Damage(quiet=quiet), list[Fraction]()
    end, broken = Fraction(container.start_time or 0, 1_000_000), False
    packets = container.demux()
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError):
            packet, broken = None, True
        if packet is None:
            break
        if packet.pts is not None and packet.dts is not None and packet.time_base:
            end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
        if packet.stream.index == stream.index:
            try:
                for picture in stream.decode(packet):
                    lost.clear()
                    if picture.is_corrupt:
                        damage.tell("a damaged frame", picture.pts, picture.time_base)
                    yield picture
            except av.error.FFmpegError:
                damage.tell("a damaged packet, whose frame is lost,", packet.pts, packet.time_base)
                lost.append(seconds(packet))
                if len(lost) == LONGEST_HOLE:
                    raise _hole(container, lost[0]) from None
    if broken:
        yield from _held_back(stream)
    damage.close()
    absolute = "matroska" in container.format.name  # where a duration is the time of the end
    promised = Fraction((container.duration or 0) + (0 if absolute else container.start_time or 0), 1_000_000)
    if not quiet and (broken or promised - end > max(_MISSING, promised / 1000)):
        log.warning(
            "the file breaks off at %.3f s of %.3f s: what is there is used; it seems cut or not finished",
            end,
            promised,
        )


def _hole(container: InputContainer, begin: Fraction) -> UnreadableError:
    words = f"from {float(begin):.3f} s on {LONGEST_HOLE} frames in a row are damaged; end before that, or repair it"
    return UnreadableError(Path(container.name.removeprefix("file:")), words)


def _held_back(stream: VideoStream) -> list[VideoFrame]:
    try:
        return stream.decode(None)
    except av.error.FFmpegError:
        return []


class Damage:
    """Tells the first damaged places one by one, and the rest as a number."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet, self._count = quiet, 0

    def tell(self, what: str, pts: int | None, time_base: Fraction | None) -> None:
        """What is wrong, and when."""
        self._count += 1
        if not self._quiet and self._count <= _TOLD:
            known = pts is not None and time_base
            log.warning("%s at %s", what, f"{float(pts * time_base):.3f} s" if known else "an unknown time")  # type: ignore[operator]

    def close(self) -> None:
        """There is no more."""
        if not self._quiet and self._count > _TOLD:
            log.warning("%d more damaged places", self._count - _TOLD)


def _film(container: InputContainer, path: Path) -> VideoStream:
    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not films:
        raise UnreadableError(path, "it has no video stream")
    film = next((s for s in films if s.disposition & Disposition.default), films[0])
    if film.codec_context is None:
        raise UnreadableError(path, "there is no decoder for its video; convert it to H.264 first")
    return film


@cache
def _films() -> str:
    """Every format that FFmpeg reads but those that name other files."""
    return ",".join(sorted({n for names in av.formats_available for n in names.split(",")} - set(NO_FILMS)))


def _steady(container: InputContainer, stream: VideoStream) -> bool:
    """Whether the next packets are equally far apart, but for the rounding of their clock."""
    packets = islice((p for p in demuxed(container, stream) if p.pts is not None), _SAMPLED)
    times = sorted(packet.pts for packet in packets if packet.pts is not None)
    gaps = [b - a for a, b in pairwise(times)]
    return not gaps or (max(gaps) - min(gaps)) * (stream.time_base or 0) <= max(_ROUNDING, 2 * (stream.time_base or 0))


def _has_no_zero(container: InputContainer, picture: VideoFrame) -> bool:
    """Whether the clock's zero means nothing: a broadcast's, or one that would hide or delay the film."""
    first = (picture.pts or 0) * (picture.time_base or 1)
    return container.format.name in ("mpegts", "mpeg") or not 0 <= first < LATE


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, av.error.FFmpegError) and _is_list(path):
        return "it is a list of other files or addresses, not a film; give the film itself"
    if isinstance(error, av.error.InvalidDataError):
        return "it is no video, or its index is missing because a recording or download was not finished"
    return getattr(error, "strerror", None) or str(error)


def _is_list(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \r\n").startswith(_LISTS)


def _estimated_frames(container: InputContainer, stream: VideoStream, rate: Fraction) -> int | None:
    """What the file says, but no more than it has room for."""
    said = stream.frames
    if not said and stream.duration and stream.time_base:
        said = round(stream.duration * stream.time_base * rate)
    if not said and container.duration:
        said = round(Fraction(container.duration, 1_000_000) * rate)
    return min(said, max(1, container.size // _SMALLEST)) if said > 0 else None
