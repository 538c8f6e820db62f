"""Stored YUV ↔ RGB, with the right matrix and range both ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from videostyle.frames import Pixels

_QUALITY = Interpolation.LANCZOS | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_UNTAGGED = 2  # H.273 "unspecified", of primaries, transfer and matrix
_RGB_MATRIX = 0
_MATRICES = {space.value: space for space in Colorspace}


@dataclass(frozen=True)
class Colors:
    """Color tags by their H.273 numbers; 2 means that the source does not say.

    Args:
        primaries, transfer, matrix: H.273 code points.
        range: 0 unknown, 1 limited, 2 full.
        rgb: The source stores RGB, so an encoded film has to choose a matrix of its own.

    """

    primaries: int
    transfer: int
    matrix: int
    range: int
    rgb: bool = False

    @classmethod
    def of(cls, picture: VideoFrame) -> Colors:
        """The tags of a decoded frame."""
        full = picture.format.name.startswith("yuvj")
        return cls(
            picture.color_primaries,
            picture.color_trc,
            picture.colorspace,
            2 if full else picture.color_range,
            picture.format.is_rgb or "pal" in picture.format.name,
        )

    def for_film(self) -> Colors:
        """The tags to encode with: the source's own, or BT.709 where it stored RGB."""
        return Colors(1, 1, 1, 1) if self.rgb or self.matrix == _RGB_MATRIX else self


def to_pixels(picture: VideoFrame, width: int, height: int) -> Pixels:
    """A decoded frame → (height, width, 3) RGB uint8, scaled in one go."""
    rgb = picture.reformat(width, height, "rgb24", interpolation=_QUALITY, threads=1)
    pixels: Pixels = np.asarray(rgb.to_ndarray())
    return pixels


def to_picture(pixels: Pixels, pixel_format: str, colors: Colors) -> VideoFrame:
    """(H, W, 3) RGB uint8 → a frame in `pixel_format`, converted by and tagged with `colors`.

    FFmpeg converts an untagged picture with BT.601, both ways; so do we, and leave it untagged.
    """
    rgb = VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    if pixel_format in ("bgr0", "gbrp"):
        return rgb.reformat(format=pixel_format, threads=1)
    matrix = _MATRICES.get(colors.matrix, Colorspace.ITU601)
    yuv = rgb.reformat(
        format=pixel_format,
        dst_colorspace=matrix,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG if colors.range == ColorRange.JPEG else ColorRange.MPEG,
        interpolation=_QUALITY,
        threads=1,
    )
    yuv.colorspace, yuv.color_range = colors.matrix, colors.range
    yuv.color_primaries, yuv.color_trc = colors.primaries, colors.transfer
    return yuv
