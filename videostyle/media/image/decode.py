"""An image file's own samples: gray, RGB or CMYK at the depth they are stored in, upright, and alpha."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import ExifTags, Image, ImageOps
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, SAMPLEFORMAT, TiffImageFile

from videostyle.frames import Samples
from videostyle.media.image.alpha import unpremultiply

_ASSOCIATED, _UNASSOCIATED = 1, 2  # TIFF's ExtraSamples: alpha that colors are multiplied by, or not


@dataclass(frozen=True, eq=False)
class StoredImage:
    """What an image file holds.

    Args:
        colors: (H, W, C), uint8 or uint16: gray, RGB, or CMYK with its full range meaning full ink.
        alpha: (H, W) of the same dtype, or None.
        profile: The ICC profile of `colors`, or None.

    """

    colors: Samples
    alpha: Samples | None
    profile: bytes | None


def read_samples(image: Image.Image, path: Path) -> StoredImage:
    """Decode an opened image: Pillow reads the header, and the samples too unless they have 16 bits.

    Args:
        image: From `Image.open(path)`, not loaded yet.
        path: The same file.

    Raises:
        ValueError, RuntimeError, OSError: It is damaged, or of a kind that is not read.

    """
    profile = image.info.get("icc_profile")
    if not is_deep(image):
        return StoredImage(*_read_8_bit(ImageOps.exif_transpose(image)), profile)
    shown, turn = shown_size(image), orientation(image)
    colors, alpha = _read_16_bit_tiff(path) if isinstance(image, TiffImageFile) else _read_16_bit_png(path)
    colors, alpha = _upright(colors, turn), None if alpha is None else _upright(alpha, turn)
    if colors.shape[1::-1] != shown:
        raise ValueError("its header and its pixels disagree about its size")
    return StoredImage(colors, alpha, profile)


def is_deep(image: Image.Image) -> bool:
    """Return whether an opened image has 16 bits a sample, by its header; it must not be loaded yet."""
    if isinstance(image, TiffImageFile):
        tags = image.tag_v2
        return set(tags.get(BITSPERSAMPLE, (1,))) == {16} and set(tags.get(SAMPLEFORMAT, (1,))) == {1}
    return isinstance(image, PngImageFile) and ";16" in str(image.tile[0].args)


def orientation(image: Image.Image) -> int:
    """Return EXIF's number, 1 to 8, for how a stored image is turned; a TIFF must not be loaded yet.

    Pillow loads a PNG for this, which may say it after its pixels.
    """
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if found in range(1, 9) else 1


def shown_size(image: Image.Image) -> tuple[int, int]:
    """Return the (width, height) of an opened image when upright; Pillow has turned a TIFF's already."""
    sideways = orientation(image) >= 5 and not isinstance(image, TiffImageFile)
    return image.size[::-1] if sideways else image.size


def _read_8_bit(image: Image.Image) -> tuple[Samples, Samples | None]:
    """Return the colors of an upright image, as 8 bits unless it has gray in integers, and its alpha."""
    if image.mode.startswith("I"):
        return (np.asarray(image).clip(0, 65535).astype(np.uint16))[..., None], None
    if image.mode == "F":
        raise ValueError("floating-point pixels are not read; store it with 16 bits")
    if image.has_transparency_data and image.mode != "LA":
        image = image.convert("RGBA")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "LA", "CMYK"):
        image = image.convert("RGB")
    samples = np.asarray(image)
    if image.mode in ("LA", "RGBA"):
        return samples[..., :-1], samples[..., -1]
    return samples.reshape(*samples.shape[:2], -1), None


def _read_16_bit_png(path: Path) -> tuple[Samples, Samples | None]:
    samples = imagecodecs.png_decode(path.read_bytes())
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.shape[2] in (2, 4):
        return samples[..., :-1], samples[..., -1]
    return samples, None


def _read_16_bit_tiff(path: Path) -> tuple[Samples, Samples | None]:
    """Read the first page, whatever its compression, byte order and layout.

    Raises:
        ValueError: It is damaged: tifffile and we trust some of its tags, and fail in many ways if they are wrong.

    """
    try:
        return _read_first_page(path)
    except (TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"its tags contradict one another: {error}") from error


def _read_first_page(path: Path) -> tuple[Samples, Samples | None]:
    with tifffile.TiffFile(io.BytesIO(path.read_bytes())) as file:
        page = file.pages.first
        samples, extra = np.asarray(page.asarray()), page.extrasamples
        kind = page.photometric
        planar = page.axes.startswith("S")
    samples = np.moveaxis(samples, 0, -1) if planar else samples
    samples = samples.reshape(*samples.shape[:2], -1)
    count = {int(tifffile.PHOTOMETRIC.RGB): 3, int(tifffile.PHOTOMETRIC.SEPARATED): 4}.get(kind, 1)
    colors = samples[..., :count]
    if kind == tifffile.PHOTOMETRIC.MINISWHITE:
        colors = np.iinfo(colors.dtype).max - colors
    if not extra or extra[0] not in (_ASSOCIATED, _UNASSOCIATED):
        return colors, None
    alpha = samples[..., count]
    return unpremultiply(colors, alpha) if extra[0] == _ASSOCIATED else colors, alpha


def _upright(samples: Samples, orientation: int) -> Samples:
    """Turn stored samples upright, by EXIF's number."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    down, across = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return samples[:: -1 if down else 1, :: -1 if across else 1]
