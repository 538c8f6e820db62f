"""Stored YUV ↔ RGB, with the right matrix, range and depth both ways.

FFmpeg scales planes and changes their depth; the matrices are applied here, so that both ways are one formula.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from av import VideoFormat, VideoFrame
from av.video.reformatter import ColorRange, Interpolation
from numpy.typing import NDArray

from videostyle.frames import Pixels

log = logging.getLogger(__name__)

PQ, HLG = 16, 18  # H.273 transfer characteristics
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_SCALING = Interpolation.LANCZOS | _EXACT
_CHROMA = Interpolation.BILINEAR | _EXACT  # at the same size only chroma is resampled; Lanczos rings where colors meet
_UNTAGGED = 2  # H.273 "unspecified", of primaries, transfer and matrix
_RGB_MATRIX = 0
RGB_TAGS = (_RGB_MATRIX, 2)  # matrix and range of a film that is stored as RGB
_BT601 = (0.299, 0.114)
_LUMA = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}  # weights of red and blue
_UNKNOWN_MATRICES = {8: "YCgCo", 10: "BT.2020 of constant luminance", 14: "ICtCp", 15: "IPT (Dolby Vision)"}

Planes = NDArray[np.float32]


@dataclass(frozen=True)
class Colors:
    """Color tags by their H.273 numbers; 2 means that the source does not say.

    Args:
        primaries, transfer, matrix: H.273 code points.
        range: 0 unknown, 1 limited, 2 full.
        rgb: The source stores RGB, so an encoded film has to choose a matrix of its own.
        bits: Of a stored sample.

    """

    primaries: int
    transfer: int
    matrix: int
    range: int
    rgb: bool = False
    bits: int = 8

    @classmethod
    def from_frame(cls, picture: VideoFrame) -> Colors:
        """The tags of a decoded frame."""
        name = picture.format.name
        return cls(
            picture.color_primaries,
            picture.color_trc,
            picture.colorspace,
            2 if name.startswith("yuvj") else picture.color_range,
            picture.format.is_rgb or "pal" in name or name.startswith("xyz"),
            max(component.bits for component in picture.format.components),
        )

    @property
    def hdr(self) -> bool:
        return self.transfer in (PQ, HLG)

    @property
    def deep(self) -> bool:
        """More than 8 bit are needed to show it."""
        return self.bits > 8 or self.hdr

    @property
    def problem(self) -> str | None:
        """Why these colors cannot be read, and what helps."""
        kind = _UNKNOWN_MATRICES.get(self.matrix)
        return kind and f"its colors are stored as {kind}, which is not read; convert it to BT.709 or HDR10 first"

    def for_film(self) -> Colors:
        """The tags to encode with: the source's own, or BT.709 where it stored RGB."""
        return Colors(1, 1, 1, 1, bits=self.bits) if self.rgb or self.matrix == _RGB_MATRIX else self


def to_pixels(picture: VideoFrame, width: int, height: int) -> Pixels:
    """A decoded frame → (height, width, 3) RGB, scaled in one go: uint8, or uint16 if it has more than 8 bit."""
    colors = Colors.from_frame(picture)
    if _has_alpha(picture.format):
        return _flattened(picture, width, height, colors)
    if colors.rgb or len(picture.format.components) < 3:
        return _scaled(picture, width, height, "rgb48le" if colors.deep else "rgb24")
    return _whole(_rgb(_scaled(picture, width, height, "yuv444p16le"), colors), colors.deep)


def _scaled(picture: VideoFrame, width: int, height: int, pixel_format: str) -> Pixels:
    """Size and depth changed, samples in 16 bit of the same range."""
    kept = ColorRange.JPEG if Colors.from_frame(picture).range == ColorRange.JPEG else ColorRange.MPEG
    scaled = picture.reformat(
        width,
        height,
        pixel_format,
        src_color_range=kept,
        dst_color_range=ColorRange.JPEG if "rgb" in pixel_format else kept,
        interpolation=_CHROMA if (width, height) == (picture.width, picture.height) else _SCALING,
        threads=1,
    )
    pixels: Pixels = scaled.to_ndarray()
    return pixels


def _has_alpha(pixel_format: VideoFormat) -> bool:
    return pixel_format.has_palette or any(component.is_alpha for component in pixel_format.components)


def _flattened(picture: VideoFrame, width: int, height: int, colors: Colors) -> Pixels:
    """Laid on white, as transparent stills are."""
    layered = _scaled(picture, width, height, "rgba64le" if colors.deep else "rgba").astype(np.float32)
    full = np.float32(65535 if colors.deep else 255)
    alpha = layered[..., 3:] / full
    return _whole((layered[..., :3] / full) * alpha + (1 - alpha), colors.deep)


def transparent(picture: VideoFrame) -> bool:
    """Whether any of its pixels lets something through."""
    if not _has_alpha(picture.format):
        return False
    return bool(np.asarray(picture.reformat(format="rgba", threads=1).to_ndarray())[..., 3].min() < 255)


def _whole(rgb: Planes, deep: bool) -> Pixels:
    """[0, 1] → the full range of uint8 or uint16, rounded."""
    full, kind = (65535, np.uint16) if deep else (255, np.uint8)
    rgb *= full
    rgb += np.float32(0.5)
    return np.clip(rgb, 0, full, out=rgb).astype(kind)


def _ycbcr(colors: Colors, bits: int) -> tuple[Planes, Planes]:
    """Matrix (3, 3) and offset (3,): R'G'B' in [0, 1] @ matrix + offset is Y'CbCr, in the upper `bits` of 16."""
    red, blue = _LUMA.get(colors.matrix, _BT601)
    y = np.array([red, 1 - red - blue, blue])
    cb, cr = (np.array([0, 0, 1]) - y) / (2 - 2 * blue), (np.array([1, 0, 0]) - y) / (2 - 2 * red)
    if colors.range == ColorRange.JPEG:
        black, luma = 0, ((1 << bits) - 1) << (16 - bits)
        chroma = luma
    else:
        black, luma, chroma = 16 << 8, 219 << 8, 224 << 8
    matrix = np.stack([luma * y, chroma * cb, chroma * cr], axis=1)
    return matrix.astype(np.float32), np.array([black, 1 << 15, 1 << 15], np.float32)


def _rgb(samples: Pixels, colors: Colors) -> Planes:
    """(H, W, 3) Y'CbCr in 16 bit → R'G'B', nominally in [0, 1]."""
    matrix, zero = _ycbcr(colors, colors.bits)
    return (samples.astype(np.float32) - zero) @ np.linalg.inv(matrix)


def _samples(pixels: Pixels, colors: Colors, bits: int) -> Pixels:
    """(H, W, 3) RGB of an unsigned type → Y'CbCr: uint8 for 8 bits, else uint16 of which `bits` are used."""
    matrix, zero = _ycbcr(colors, bits)
    unit = 256 if bits == 8 else 1
    stored = pixels.astype(np.float32) @ (matrix / (unit * np.iinfo(pixels.dtype).max))
    stored += zero / unit + np.float32(0.5)
    full, kind = (255, np.uint8) if bits == 8 else (65535, np.uint16)
    return np.clip(stored, 0, full, out=stored).astype(kind)


def to_picture(pixels: Pixels, pixel_format: str, colors: Colors) -> VideoFrame:
    """(H, W, 3) RGB, uint8 or uint16 → a frame in `pixel_format`, converted by and tagged with `colors`.

    FFmpeg converts an untagged picture with BT.601, both ways; so do we, and leave it untagged.
    """
    target = VideoFormat(pixel_format)
    if target.is_rgb:
        return _tagged(_rgb_picture(pixels, pixel_format), colors, rgb=True)
    bits = target.components[0].bits
    samples = _samples(pixels, colors, bits)
    if bits == 8:  # rounded already: FFmpeg would dither
        full = VideoFrame.from_ndarray(np.ascontiguousarray(samples.transpose(2, 0, 1)), format="yuv444p")
    else:
        full = VideoFrame.from_ndarray(samples, format="yuv444p16le")
    kept = ColorRange.JPEG if colors.range == ColorRange.JPEG else ColorRange.MPEG
    picture = full.reformat(
        format=pixel_format, src_color_range=kept, dst_color_range=kept, interpolation=_CHROMA, threads=1
    )
    return _tagged(picture, colors)


def _rgb_picture(pixels: Pixels, pixel_format: str) -> VideoFrame:
    name = "rgb48le" if pixels.dtype == np.uint16 else "rgb24"
    return VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=name).reformat(format=pixel_format, threads=1)


def _tagged(picture: VideoFrame, colors: Colors, *, rgb: bool = False) -> VideoFrame:
    picture.colorspace, picture.color_range = RGB_TAGS if rgb else (colors.matrix, colors.range)
    picture.color_primaries, picture.color_trc = colors.primaries, colors.transfer
    return picture
