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
from PIL.ExifTags import Base

from videostyle.frames import Pixels, Samples, at_depth
from videostyle.media.image.icc import SRGB
from videostyle.media.image.tags import NO_TAGS, PhotoTags, append_directories

_PNG_HEADER = 33  # bytes of a PNG's signature and IHDR
_JPEG_QUALITY = 95  # of 100
_INCH = 0.0254  # meters
_TIFF_TEXTS = (Base.ImageDescription, Base.Make, Base.Model, Base.DateTime, Base.Artist, Base.Copyright)


def jpeg(pixels: Pixels, alpha: Samples | None, comment: str, tags: PhotoTags = NO_TAGS) -> bytes:
    """Encode a JPEG of 8 bits without chroma subsampling; alpha is dropped."""
    data = io.BytesIO()
    image = Image.fromarray(at_depth(pixels, np.uint8))
    image.save(
        data,
        "JPEG",
        quality=_JPEG_QUALITY,
        subsampling=0,
        icc_profile=SRGB,
        comment=comment,
        exif=tags.block(),
        dpi=[round(dots) for dots in tags.dpi or (0, 0)],
    )
    return data.getvalue()


def png(pixels: Pixels, alpha: Samples | None, comment: str, tags: PhotoTags = NO_TAGS) -> bytes:
    """Encode a PNG of the pixels' own depth."""
    encoded = bytes(imagecodecs.png_encode(_with_alpha(pixels, alpha)))
    profile = _chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB))
    text = _chunk(b"tEXt", b"Comment\0" + comment.encode("latin-1", "replace"))
    dots = _chunk(b"pHYs", struct.pack(">2IB", *(round(dots / _INCH) for dots in tags.dpi), 1)) if tags.dpi else b""
    block = tags.block().removeprefix(b"Exif\0\0")
    exif = _chunk(b"eXIf", block) if block else b""
    return encoded[:_PNG_HEADER] + profile + dots + exif + text + encoded[_PNG_HEADER:]


def tiff(pixels: Pixels, alpha: Samples | None, comment: str, tags: PhotoTags = NO_TAGS) -> bytes:
    """Encode a TIFF of the pixels' own depth, deflated; its software tag has the comment."""
    data = io.BytesIO()
    texts = {number: value for number, value in tags.main.items() if number in _TIFF_TEXTS and isinstance(value, str)}
    tifffile.imwrite(
        data,
        _with_alpha(pixels, alpha),
        photometric="rgb",
        extrasamples=None if alpha is None else ["unassalpha"],
        compression="adobe_deflate",
        predictor=True,
        iccprofile=SRGB,
        resolution=tags.dpi or (1, 1),
        resolutionunit="INCH" if tags.dpi else "NONE",
        software=comment.encode("ascii", "replace"),
        metadata=None,
        byteorder="<",
        extratags=[(number, "s", 0, text.encode(), True) for number, text in texts.items()],
    )
    return append_directories(data.getvalue(), tags) if tags.exif or tags.gps else data.getvalue()


ENCODERS: dict[str, Callable[..., bytes]] = {
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
