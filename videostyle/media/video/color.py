"""Stored Y'CbCr ↔ RGB, with the right matrix, range and depth both ways.

FFmpeg scales planes and changes their depth; this module applies the matrices, so that both ways are one formula.
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
_CHROMA = Interpolation.BILINEAR | _EXACT  # of chroma alone, at the same size: Lanczos rings where colors meet
_RGB_MATRIX = 0  # H.273 matrix coefficients of stored RGB
RGB_TAGS = (_RGB_MATRIX, 2)  # matrix and range of a video that is stored as RGB
_BT601 = (0.299, 0.114)  # weights of red and blue in luma; FFmpeg's choice where a file does not say
_LUMA = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}  # the same, by H.273 matrix
_UNKNOWN_MATRICES = {8: "YCgCo", 10: "BT.2020 of constant luminance", 14: "ICtCp", 15: "IPT (Dolby Vision)"}

Planes = NDArray[np.float32]


@dataclass(frozen=True)
class Colors:
    """Color tags of a video stream.

    Args:
        primaries, transfer, matrix: H.273 code points; 2 means unspecified.
        range: 0 unspecified, 1 limited, 2 full.
        rgb: The source stores RGB, so that an encoded video has to choose a matrix of its own.
        bits: Per stored sample.

    """

    primaries: int
    transfer: int
    matrix: int
    range: int
    rgb: bool = False
    bits: int = 8

    @classmethod
    def from_frame(cls, frame: VideoFrame) -> Colors:
        """Read the tags of a decoded frame."""
        name = frame.format.name
        return cls(
            frame.color_primaries,
            frame.color_trc,
            frame.colorspace,
            2 if name.startswith("yuvj") else frame.color_range,
            frame.format.is_rgb or "pal" in name or name.startswith("xyz"),
            max(component.bits for component in frame.format.components),
        )

    @property
    def hdr(self) -> bool:
        return self.transfer in (PQ, HLG)

    @property
    def deep(self) -> bool:
        """More than 8 bits a sample are needed to show it."""
        return self.bits > 8 or self.hdr

    @property
    def problem(self) -> str | None:
        """Why these colors cannot be read, and what helps; None if they can."""
        kind = _UNKNOWN_MATRICES.get(self.matrix)
        return kind and f"its colors are stored as {kind}, which is not read; convert it to BT.709 or HDR10 first"

    def for_video(self) -> Colors:
        """Return the tags to encode with: the source's own, or BT.709 if it stores RGB."""
        return Colors(1, 1, 1, 1, bits=self.bits) if self.rgb or self.matrix == _RGB_MATRIX else self


def to_pixels(frame: VideoFrame, width: int, height: int) -> Pixels:
    """Convert a decoded frame to (height, width, 3) RGB and scale it: uint8, or uint16 if it has more than 8 bits."""
    colors = Colors.from_frame(frame)
    if _has_alpha(frame.format):
        return _on_white(frame, width, height, colors)
    if colors.rgb or len(frame.format.components) < 3:
        return _scaled(frame, width, height, "rgb48le" if colors.deep else "rgb24")
    return _quantized(_to_rgb(_scaled(frame, width, height, "yuv444p16le"), colors), colors.deep)


def _scaled(frame: VideoFrame, width: int, height: int, pixel_format: str) -> Pixels:
    """Change size, subsampling and depth with FFmpeg; the range of the samples stays."""
    kept = ColorRange.JPEG if Colors.from_frame(frame).range == ColorRange.JPEG else ColorRange.MPEG
    scaled = frame.reformat(
        width,
        height,
        pixel_format,
        src_color_range=kept,
        dst_color_range=ColorRange.JPEG if "rgb" in pixel_format else kept,
        interpolation=_CHROMA if (width, height) == (frame.width, frame.height) else _SCALING,
        threads=1,
    )
    pixels: Pixels = scaled.to_ndarray()
    return pixels


def _has_alpha(pixel_format: VideoFormat) -> bool:
    return pixel_format.has_palette or any(component.is_alpha for component in pixel_format.components)


def _on_white(frame: VideoFrame, width: int, height: int, colors: Colors) -> Pixels:
    """Lay a transparent frame on white, as still images are."""
    layered = _scaled(frame, width, height, "rgba64le" if colors.deep else "rgba").astype(np.float32)
    full = np.float32(65535 if colors.deep else 255)
    alpha = layered[..., 3:] / full
    return _quantized((layered[..., :3] / full) * alpha + (1 - alpha), colors.deep)


def is_transparent(frame: VideoFrame) -> bool:
    """Return whether any pixel of a decoded frame is less than opaque."""
    if not _has_alpha(frame.format):
        return False
    return bool(np.asarray(frame.reformat(format="rgba", threads=1).to_ndarray())[..., 3].min() < 255)


def _quantized(rgb: Planes, deep: bool) -> Pixels:
    """Scale [0, 1] to the full range of uint8 or uint16, and round."""
    full, kind = (65535, np.uint16) if deep else (255, np.uint8)
    rgb *= full
    rgb += np.float32(0.5)
    return np.clip(rgb, 0, full, out=rgb).astype(kind)


def _ycbcr_transform(colors: Colors, bits: int) -> tuple[Planes, Planes]:
    """Return the matrix (3, 3) and offset (3,) of H.273: R'G'B' in [0, 1] @ matrix + offset is Y'CbCr.

    Y'CbCr is in the upper `bits` of 16.
    """
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


def _to_rgb(samples: Pixels, colors: Colors) -> Planes:
    """Convert (H, W, 3) Y'CbCr of 16 bits to R'G'B', nominally in [0, 1]."""
    matrix, offset = _ycbcr_transform(colors, colors.bits)
    return (samples.astype(np.float32) - offset) @ np.linalg.inv(matrix)


def _to_ycbcr(pixels: Pixels, colors: Colors, bits: int) -> Pixels:
    """Convert (H, W, 3) RGB to Y'CbCr: uint8 for 8 bits, else uint16 of which the upper `bits` count."""
    matrix, offset = _ycbcr_transform(colors, bits)
    unit = 256 if bits == 8 else 1
    stored = pixels.astype(np.float32) @ (matrix / (unit * np.iinfo(pixels.dtype).max))
    stored += offset / unit + np.float32(0.5)
    full, kind = (255, np.uint8) if bits == 8 else (65535, np.uint16)
    return np.clip(stored, 0, full, out=stored).astype(kind)


def to_video_frame(pixels: Pixels, pixel_format: str, colors: Colors) -> VideoFrame:
    """Convert (H, W, 3) RGB, uint8 or uint16, to a frame in `pixel_format` with the matrix and tags of `colors`.

    FFmpeg converts an untagged frame with BT.601, both ways; so does this, and leaves it untagged.
    """
    target = VideoFormat(pixel_format)
    if target.is_rgb:
        return _tagged(_rgb_frame(pixels, pixel_format), colors, rgb=True)
    bits = target.components[0].bits
    samples = _to_ycbcr(pixels, colors, bits)
    if bits == 8:  # rounded already: FFmpeg would dither
        full = VideoFrame.from_ndarray(np.ascontiguousarray(samples.transpose(2, 0, 1)), format="yuv444p")
    else:
        full = VideoFrame.from_ndarray(samples, format="yuv444p16le")
    kept = ColorRange.JPEG if colors.range == ColorRange.JPEG else ColorRange.MPEG
    frame = full.reformat(
        format=pixel_format, src_color_range=kept, dst_color_range=kept, interpolation=_CHROMA, threads=1
    )
    return _tagged(frame, colors)


def _rgb_frame(pixels: Pixels, pixel_format: str) -> VideoFrame:
    name = "rgb48le" if pixels.dtype == np.uint16 else "rgb24"
    return VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=name).reformat(format=pixel_format, threads=1)


def _tagged(frame: VideoFrame, colors: Colors, *, rgb: bool = False) -> VideoFrame:
    frame.colorspace, frame.color_range = RGB_TAGS if rgb else (colors.matrix, colors.range)
    frame.color_primaries, frame.color_trc = colors.primaries, colors.transfer
    return frame
