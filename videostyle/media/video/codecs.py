"""Which encoder, pixel format and quality a video gets."""

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
class VideoCodec:
    """A codec as videostyle uses it.

    Args:
        encoder: FFmpeg's name.
        shallow, deep: Pixel formats for 8 bits and for more; no deep one if the encoder has none.
        crf: Default quality; None if the codec has no such dial.
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
_VP9 = {"b": "0", "row-mt": "1", "cpu-used": "2"}
CODECS: Mapping[str, VideoCodec] = {
    "h264": VideoCodec("libx264", "yuv420p", "yuv420p10le", 17, _ANY, _X264),
    "hevc": VideoCodec("libx265", "yuv420p", "yuv420p10le", 19, _ANY, {"preset": "medium"}),
    "av1": VideoCodec("libsvtav1", "yuv420p", "yuv420p10le", 23, (".mp4", ".mkv", ".webm", ".m4v"), {"preset": "6"}),
    "vp9": VideoCodec("libvpx-vp9", "yuv420p", None, 24, (".webm", ".mkv", ".mp4"), _VP9),
    "prores": VideoCodec("prores_ks", "yuv422p10le", "yuv422p10le", None, (".mov", ".mkv"), {"profile": "hq"}),
    "prores4444": VideoCodec("prores_ks", "yuv444p10le", "yuv444p10le", None, (".mov", ".mkv"), {"profile": "4444"}),
    "ffv1": VideoCodec("ffv1", "bgr0", "rgb48le", None, (".mkv", ".mp4"), {"level": "3", "slicecrc": "1"}),
}
AUTO, AUTO_DEEP = "h264", "hevc"  # what auto means, for 8 bit and for more: few players play H.264 of 10 bit
AUTO_BY_SUFFIX = {".webm": "vp9"}  # and where it means another codec


@dataclass(frozen=True)
class Delivery:
    """A named set of codec, quality and format; a setting of its own overrules each of them.

    Args:
        codec, crf, pix_fmt: As the settings of these names.
        suffixes: Containers that it is made as.
        audio_codecs: The only ones that are copied; empty for all that the container holds.
        audio_encoder: What all others become; empty for AAC or Opus.

    """

    codec: str
    crf: int | None = None
    pix_fmt: str = "auto"
    suffixes: tuple[str, ...] = SUFFIXES
    audio_codecs: tuple[str, ...] = ()
    audio_encoder: str = ""


_WEB_AUDIO = ("aac", "mp3", "mp3float", "opus", "vorbis")
_PCM = ("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be")
DELIVERIES: Mapping[str, Delivery] = {
    "web": Delivery("h264", 20, "yuv420p", (".mp4", ".m4v", ".mov", ".webm"), _WEB_AUDIO),
    "master": Delivery("ffv1", suffixes=(".mkv",)),
    "edit": Delivery("prores", suffixes=(".mov",), audio_codecs=_PCM, audio_encoder="pcm_s24le"),
}


@dataclass(frozen=True)
class Encoding:
    """How a video is encoded: from `choose`.

    Args:
        codec: A name in `CODECS`.
        encoder, pixel_format: FFmpeg's names.
        options: Of the encoder.
        tag: Codec tag in the container, where players ask for one; None for the container's own.

    """

    codec: str
    encoder: str
    pixel_format: str
    options: Mapping[str, str]
    tag: str | None = None

    def colors(self, colors: Colors) -> Colors:
        """Return the tags to encode a video of such colors with: ProRes has no full range."""
        full = colors.range == 2 and self.encoder == "prores_ks"
        return replace(colors, range=1) if full else colors

    def padded(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the least (width, height) that holds `size` and that the chroma subsampling allows."""
        form = VideoFormat(self.pixel_format)
        across, down = 2 // form.chroma_width(2), 2 // form.chroma_height(2)
        return size[0] + -size[0] % across, size[1] + -size[1] % down


def choose(
    output: Path, colors: Colors, codec: str, *, crf: int | None = None, pix_fmt: str = "auto", delivery: str = "none"
) -> Encoding:
    """Choose the encoding that the settings ask for, for frames in `colors` in the container of `output`.

    Raises:
        OutputError: The container, the codec and the pixel format do not go together, or HDR would be lost.
        SettingError: The codec has no such quality or pixel format.

    """
    suffix = output.suffix.lower()
    named = _delivery(output, delivery)
    if codec == "auto":
        codec = AUTO_BY_SUFFIX.get(suffix) or (named.codec if named else _usual(colors, pix_fmt))
    if named is not None:
        crf = named.crf if crf is None and codec == named.codec else crf
        pix_fmt = named.pix_fmt if pix_fmt == "auto" else pix_fmt
    _check_container(output, codec)
    pixel_format = _pixel_format(output, colors, codec, pix_fmt)
    tag = "hvc1" if codec == "hevc" and suffix in (".mp4", ".mov", ".m4v") else None
    chosen = CODECS[codec]
    return Encoding(codec, chosen.encoder, pixel_format, {**chosen.options, **_quality(codec, crf)}, tag)


def _usual(colors: Colors, pix_fmt: str) -> str:
    shallow = pix_fmt in _formats(AUTO) and bits(pix_fmt) == 8
    return AUTO_DEEP if colors.deep and not shallow else AUTO


def _delivery(output: Path, name: str) -> Delivery | None:
    delivery = DELIVERIES.get(name)
    if delivery is not None and output.suffix.lower() not in delivery.suffixes:
        raise OutputError(output, f"--delivery {name} is made as {' or '.join(delivery.suffixes)}")
    return delivery


def _check_container(output: Path, codec: str) -> None:
    suffix, suffixes = output.suffix.lower(), CODECS[codec].suffixes
    if suffix not in suffixes:
        others = ", ".join(name for name, other in CODECS.items() if suffix in other.suffixes)
        advice = f"; {suffix} takes --codec {others}" if others else ""
        raise OutputError(output, f"{codec} is written as {' or '.join(suffixes)}{advice}")


def _pixel_format(output: Path, colors: Colors, codec: str, pix_fmt: str) -> str:
    chosen = CODECS[codec]
    offered = _formats(codec)
    if pix_fmt not in ("auto", *offered):
        raise SettingError("pix_fmt", pix_fmt, f"for {codec} one of auto, {', '.join(offered)}")
    default = (chosen.deep or chosen.shallow) if colors.deep else chosen.shallow
    pixel_format = default if pix_fmt == "auto" else pix_fmt
    if colors.deep and bits(pixel_format) == 8:
        if colors.hdr:
            raise OutputError(
                output, "HDR needs 10 bit; say --codec hevc or av1 without --pix-fmt, or tone-map the source first"
            )
        log.warning("%s keeps 8 bit of the source's %d", pixel_format, colors.bits)
    return pixel_format


def _formats(codec: str) -> list[str]:
    """Return FFmpeg's names of the pixel formats that a codec takes."""
    return [form.name for form in Codec(CODECS[codec].encoder, "w").video_formats or ()]


def bits(pixel_format: str) -> int:
    """Return the bits of a sample in a pixel format, by FFmpeg's name."""
    return max(component.bits for component in VideoFormat(pixel_format).components)


def _quality(codec: str, crf: int | None) -> dict[str, str]:
    default = CODECS[codec].crf
    if default is None:
        if crf is not None:
            raise SettingError("crf", crf, f"left out: {codec} has no such dial")
        return {}
    return {"crf": str(default if crf is None else crf)}


def quiet_options(encoder: str) -> dict[str, str]:
    """Return the options that keep an encoder from writing to stderr, and about the machine into the stream."""
    if encoder == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")
    return {"x265-params": "log-level=error:info=0"} if encoder == "libx265" else {}
