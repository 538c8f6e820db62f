"""Pixels → the bytes of an image file, tagged sRGB."""

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

_PNG_HEADER = 33  # bytes of a PNG's signature and IHDR
_JPEG_QUALITY = 95  # of 100


def jpeg(pixels: Pixels, alpha: Samples | None, comment: str) -> bytes:
    """Encode a JPEG of 8 bits without chroma subsampling; alpha is dropped."""
    data = io.BytesIO()
    image = Image.fromarray(at_depth(pixels, np.uint8))
    image.save(data, "JPEG", quality=_JPEG_QUALITY, subsampling=0, icc_profile=SRGB, comment=comment)
    return data.getvalue()


def png(pixels: Pixels, alpha: Samples | None, comment: str) -> bytes:
    """Encode a PNG of the pixels' own depth."""
    encoded = bytes(imagecodecs.png_encode(_with_alpha(pixels, alpha)))
    profile = _chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB))
    text = _chunk(b"tEXt", b"Comment\0" + comment.encode("latin-1", "replace"))
    return encoded[:_PNG_HEADER] + profile + text + encoded[_PNG_HEADER:]


def tiff(pixels: Pixels, alpha: Samples | None, comment: str) -> bytes:
    """Encode a TIFF of the pixels' own depth, deflated."""
    data = io.BytesIO()
    tifffile.imwrite(
        data,
        _with_alpha(pixels, alpha),
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
WITH_ALPHA = (".png", ".tif", ".tiff")


def _with_alpha(pixels: Pixels, alpha: Samples | None) -> Samples:
    return np.ascontiguousarray(pixels if alpha is None else np.dstack([pixels, alpha]))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
