"""What a film says of its picture beside shape and colors: 3D, 360°, captions, metadata of HDR scene by scene."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av import Packet, VideoFrame
from av.video.stream import VideoStream

from videostyle.media.sidedata import side_data

_WITH_STEREO = (".mkv", ".webm")
_STEREO = {  # FFmpeg's AVStereo3DType and whether it is inverted → Matroska's name
    (1, 0): "left_right", (1, 1): "right_left", (2, 0): "top_bottom", (2, 1): "bottom_top",
    (3, 0): "block_lr", (3, 1): "block_rl", (4, 0): "checkerboard_lr", (4, 1): "checkerboard_rl",
    (6, 0): "row_interleaved_lr", (6, 1): "row_interleaved_rl",
    (7, 0): "col_interleaved_lr", (7, 1): "col_interleaved_rl",
}  # fmt: skip
_DOLBY_BOXES = (b"dvcC", b"dvvC", b"dvwC")
_CAPTIONS = b"GA94\x03"  # begins closed captions in a packet of MPEG-2, H.264 or HEVC (ATSC A/53, part 4, 6.2.3)
WITHOUT_CAPTIONS = "the captions in the picture's stream (CEA-608 or 708) are left out; extract them as subtitles first"
_HEADER_ALONE = {"movflags": "frag_keyframe+empty_moov", "strict": "unofficial"}


@dataclass(frozen=True)
class Marks:
    """What a film says of its picture, by its first frame and the packets after it.

    Args:
        stereo: How two views share a frame, by Matroska's name; empty for one view.
        spherical: It is seen all around: 360°.
        captions: They lie in the picture's stream (CEA-608 or 708).
        dolby_vision, hdr10_plus: It tells displays how to show each scene.

    """

    stereo: str = ""
    spherical: bool = False
    captions: bool = False
    dolby_vision: bool = False
    hdr10_plus: bool = False

    @classmethod
    def read(cls, stream: VideoStream, frame: VideoFrame, packets: Iterable[Packet[VideoStream]] = ()) -> Marks:
        """Read what a stream, its first decoded frame and the `packets` after it say."""
        found = side_data(frame)
        return cls(
            _stereo(found.get("STEREO3D", b"")),
            "SPHERICAL" in found,
            has_captions(frame) or any(_CAPTIONS in bytes(packet) for packet in packets),
            any(name.startswith("DOVI") for name in found) or _has_dolby_box(stream),
            "DYNAMIC_HDR_PLUS" in found,
        )

    def losses(self, output: Path) -> Iterator[str]:
        """Yield a notice for each thing that a result of that name does not say any more."""
        if self.stereo and output.suffix.lower() not in _WITH_STEREO:
            yield f"the mark of 3D ({self.stereo}) is left out; .mkv keeps it"
        if self.spherical:
            yield "the mark of 360° is left out; a tool for spherical metadata can set it again"
        if self.captions:
            yield WITHOUT_CAPTIONS
        if self.dolby_vision:
            yield "Dolby Vision is left out; the picture below it stays"
        if self.hdr10_plus:
            yield "HDR10+ is left out; the HDR10 below it stays"


def has_captions(frame: VideoFrame) -> bool:
    """Return whether a decoded frame carries captions."""
    return "A53_CC" in side_data(frame)


def _stereo(data: bytes) -> str:
    kind, flags = struct.unpack("=2i", data[:8]) if data else (0, 0)
    return _STEREO.get((kind, flags & 1), "")


def _has_dolby_box(stream: VideoStream) -> bool:
    """Return whether a stream is marked as Dolby Vision, which only the header of a copy tells."""
    header = io.BytesIO()
    try:
        with av.open(header, "w", "mp4", container_options=_HEADER_ALONE) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
            return any(name in header.getvalue() for name in _DOLBY_BOXES)
    except (av.error.FFmpegError, ValueError):
        return False
