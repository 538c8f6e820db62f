"""Which encoder, pixel format and quality a film gets."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from av import Codec, VideoFormat

from videostyle.errors import OutputError, SettingError
from videostyle.media.video.color import Colors

log = logging.getLogger(__name__)

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm")


@dataclass(frozen=True)
class Kind:
    """A codec as videostyle uses it.

    Args:
        encoder: FFmpeg's name.
        shallow, deep: Pixel formats for 8 bit and for more; no deep one where the encoder has none.
        crf: Default quality; None where it has no such dial.
        suffixes: Containers that it belongs in, the best first.
        options: Of the encoder.

    """

    encoder: str
    shallow: str
    deep: str | None
    crf: int | None
    suffixes: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)


_ANY = (".mp4", ".mov", ".mkv", ".m4v")
_X264 = {"preset": "medium", "x264-params": "mbtree=0"}  # its tree differs from run to run on AVX-512, at most widths
KINDS: Mapping[str, Kind] = {
    "h264": Kind("libx264", "yuv420p", "yuv420p10le", 17, _ANY, _X264),
    "hevc": Kind("libx265", "yuv420p", "yuv420p10le", 19, _ANY, {"preset": "medium"}),
    "av1": Kind("libsvtav1", "yuv420p", "yuv420p10le", 23, (".mp4", ".mkv", ".webm", ".m4v"), {"preset": "6"}),
    "vp9": Kind(
        "libvpx-vp9", "yuv420p", None, 24, (".webm", ".mkv", ".mp4"), {"b": "0", "row-mt": "1", "cpu-used": "2"}
    ),
    "prores": Kind("prores_ks", "yuv422p10le", "yuv422p10le", None, (".mov", ".mkv"), {"profile": "hq"}),
    "prores4444": Kind("prores_ks", "yuv444p10le", "yuv444p10le", None, (".mov", ".mkv"), {"profile": "4444"}),
    "ffv1": Kind("ffv1", "bgr0", "rgb48le", None, (".mkv", ".mp4"), {"level": "3", "slicecrc": "1"}),
}
BY_SUFFIX = {".webm": "vp9"}  # what auto is there; elsewhere h264


@dataclass(frozen=True)
class Delivery:
    """A named set of codec, quality and format, each of which a setting of its own overrules.

    Args:
        codec, crf, pix_fmt: As the settings of these names.
        suffixes: Containers that it is made as.
        sounds: The only ones that are copied; empty for all that the container holds.

    """

    codec: str
    crf: int | None = None
    pix_fmt: str = "auto"
    suffixes: tuple[str, ...] = SUFFIXES
    sounds: tuple[str, ...] = ()


DELIVERIES: Mapping[str, Delivery] = {
    "web": Delivery(
        "h264", 20, "yuv420p", (".mp4", ".m4v", ".mov", ".webm"), ("aac", "mp3", "mp3float", "opus", "vorbis")
    ),
    "master": Delivery("ffv1", suffixes=(".mkv",)),
    "edit": Delivery("prores", suffixes=(".mov",)),
}


@dataclass(frozen=True)
class Encoding:
    """How a film is encoded: from `choose`."""

    codec: str
    encoder: str
    pixel_format: str
    options: Mapping[str, str]
    tag: str | None = None

    def colors(self, film: Colors) -> Colors:
        """The tags to encode with: ProRes knows no full range."""
        full = film.range == 2 and self.encoder == "prores_ks"
        return replace(film, range=1) if full else film

    def padded(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) that the chroma subsampling allows, at least `size`."""
        form = VideoFormat(self.pixel_format)
        across, down = 2 // form.chroma_width(2), 2 // form.chroma_height(2)
        return size[0] + -size[0] % across, size[1] + -size[1] % down


def choose(
    output: Path, colors: Colors, codec: str, *, crf: int | None = None, pix_fmt: str = "auto", delivery: str = "none"
) -> Encoding:
    """The encoding that the settings ask for, for pictures in `colors` in the container of `output`.

    Raises:
        OutputError: The container, the codec and the pixel format do not go together, or HDR would be lost.
        SettingError: The codec has no such quality or pixel format.

    """
    suffix = output.suffix.lower()
    asked = DELIVERIES.get(delivery)
    if asked is not None and suffix not in asked.suffixes:
        raise OutputError(output, f"--delivery {delivery} is made as {' or '.join(asked.suffixes)}")
    if codec == "auto":
        codec = BY_SUFFIX.get(suffix) or (asked.codec if asked else "h264")
    if asked is not None:
        crf = asked.crf if crf is None and codec == asked.codec else crf
        pix_fmt = asked.pix_fmt if pix_fmt == "auto" else pix_fmt
    kind = KINDS[codec]
    if suffix not in kind.suffixes:
        others = ", ".join(name for name, other in KINDS.items() if suffix in other.suffixes)
        advice = f"; {suffix} takes --codec {others}" if others else ""
        raise OutputError(output, f"{codec} is written as {' or '.join(kind.suffixes)}{advice}")
    pixel_format = _pixel_format(output, colors, codec, pix_fmt)
    tag = "hvc1" if codec == "hevc" and suffix in (".mp4", ".mov", ".m4v") else None
    return Encoding(codec, kind.encoder, pixel_format, {**kind.options, **_quality(codec, crf)}, tag)


def _pixel_format(output: Path, colors: Colors, codec: str, pix_fmt: str) -> str:
    kind = KINDS[codec]
    offered = [form.name for form in Codec(kind.encoder, "w").video_formats or ()]
    if pix_fmt not in ("auto", *offered):
        raise SettingError("pix_fmt", pix_fmt, f"for {codec} one of auto, {', '.join(offered)}")
    pixel_format = (kind.deep or kind.shallow) if colors.deep else kind.shallow
    pixel_format = pixel_format if pix_fmt == "auto" else pix_fmt
    if colors.deep and bits(pixel_format) == 8:
        if colors.hdr:
            raise OutputError(
                output, "HDR needs 10 bit; say --codec hevc or av1 without --pix-fmt, or tone-map the source first"
            )
        log.warning("%s keeps 8 bit of the source's %d", pixel_format, colors.bits)
    return pixel_format


def bits(pixel_format: str) -> int:
    return max(component.bits for component in VideoFormat(pixel_format).components)


def _quality(codec: str, crf: int | None) -> dict[str, str]:
    usual = KINDS[codec].crf
    if usual is None:
        if crf is not None:
            raise SettingError("crf", crf, f"left out: {codec} has no such dial")
        return {}
    return {"crf": str(usual if crf is None else crf)}


def quieten(encoder: str) -> dict[str, str]:
    """Options that keep an encoder from talking: on stderr, and about the machine in the film's header."""
    if encoder == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")
    return {"x265-params": "log-level=error:info=0"} if encoder == "libx265" else {}
