"""Pixels → the bytes of a picture file, tagged sRGB."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from videostyle.frames import Pixels, Samples, at_depth
from videostyle.media.image.icc import SRGB

_HEADER_END = 33  # of a PNG: its signature and IHDR
_QUALITY = 95


def jpeg(pixels: Pixels, alpha: Samples | None, comment: str) -> bytes:
    """A JPEG without color subsampling; alpha is not kept."""
    data = io.BytesIO()
    image = Image.fromarray(at_depth(pixels, np.uint8))
    image.save(data, "JPEG", quality=_QUALITY, subsampling=0, icc_profile=SRGB, comment=comment)
    return data.getvalue()


def png(pixels: Pixels, alpha: Samples | None, comment: str) -> bytes:
    """A PNG of the pixels' own depth."""
    made = bytes(imagecodecs.png_encode(_joined(pixels, alpha)))
    profile = _chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB))
    text = _chunk(b"tEXt", b"Comment\0" + comment.encode("latin-1", "replace"))
    return made[:_HEADER_END] + profile + text + made[_HEADER_END:]


def tiff(pixels: Pixels, alpha: Samples | None, comment: str) -> bytes:
    """A TIFF of the pixels' own depth, deflated."""
    data = io.BytesIO()
    tifffile.imwrite(
        data,
        _joined(pixels, alpha),
        photometric="rgb",
        extrasamples=None if alpha is None else ["unassalpha"],
        compression="adobe_deflate",
        predictor=True,
        iccprofile=SRGB,
        description=comment,
        software="videostyle",
        metadata=None,
    )
    return data.getvalue()


ENCODERS: dict[str, Callable[[Pixels, Samples | None, str], bytes]] = {
    ".jpg": jpeg,
    ".jpeg": jpeg,
    ".png": png,
    ".tif": tiff,
    ".tiff": tiff,
}
KEEPS_ALPHA = (".png", ".tif", ".tiff")


def _joined(pixels: Pixels, alpha: Samples | None) -> Samples:
    return np.ascontiguousarray(pixels if alpha is None else np.dstack([pixels, alpha]))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
