"""A picture file's own samples: gray, RGB or CMYK at the depth they are stored in, upright, and alpha."""

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
from videostyle.media.image.alpha import multiplied_out

_ASSOCIATED, _UNASSOCIATED = 1, 2  # what TIFF says of an extra channel


@dataclass(frozen=True, eq=False)
class Stored:
    """What a picture file holds.

    Args:
        colors: (H, W, C), uint8 or uint16: gray, RGB, or CMYK with its full range meaning full ink.
        alpha: (H, W) of the same dtype, or None.
        profile: The ICC profile of `colors`, or None.

    """

    colors: Samples
    alpha: Samples | None
    profile: bytes | None


def read_samples(image: Image.Image, path: Path) -> Stored:
    """Decode an opened picture; Pillow reads the header, and the samples too unless they are 16 bit.

    Raises:
        ValueError, RuntimeError, OSError: It is damaged, or of a kind that is not read.

    """
    profile = image.info.get("icc_profile")
    if not is_deep(image):
        return Stored(*_shallow(ImageOps.exif_transpose(image)), profile)
    shown, turn = size_as_shown(image), orientation(image)
    colors, alpha = _deep_tiff(path) if isinstance(image, TiffImageFile) else _deep_png(path)
    colors, alpha = _turned(colors, turn), None if alpha is None else _turned(alpha, turn)
    if colors.shape[1::-1] != shown:
        raise ValueError("its header and its pixels disagree about its size")
    return Stored(colors, alpha, profile)


def is_deep(image: Image.Image) -> bool:
    """Whether an opened picture has 16 bits a sample, told from its header before it is loaded."""
    if isinstance(image, TiffImageFile):
        tags = image.tag_v2
        return set(tags.get(BITSPERSAMPLE, (1,))) == {16} and set(tags.get(SAMPLEFORMAT, (1,))) == {1}
    return isinstance(image, PngImageFile) and ";16" in str(image.tile[0].args)


def orientation(image: Image.Image) -> int:
    """EXIF's number for how the stored picture is turned, from 1. Of a TIFF to be asked before it is loaded.

    A PNG may say it after its pixels, so that Pillow loads it to know.
    """
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if found in range(1, 9) else 1


def size_as_shown(image: Image.Image) -> tuple[int, int]:
    """(width, height) of an opened picture when upright; Pillow has turned a TIFF's already."""
    turned = orientation(image) >= 5 and not isinstance(image, TiffImageFile)
    return image.size[::-1] if turned else image.size


def _shallow(image: Image.Image) -> tuple[Samples, Samples | None]:
    """8 bit samples of an upright picture."""
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


def _deep_png(path: Path) -> tuple[Samples, Samples | None]:
    samples = imagecodecs.png_decode(path.read_bytes())
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.shape[2] in (2, 4):
        return samples[..., :-1], samples[..., -1]
    return samples, None


def _deep_tiff(path: Path) -> tuple[Samples, Samples | None]:
    """The first page, whatever its compression, byte order and layout."""
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
    return multiplied_out(colors, alpha) if extra[0] == _ASSOCIATED else colors, alpha


def _turned(samples: Samples, orientation: int) -> Samples:
    """Stored → upright, by EXIF's number."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    down, across = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return samples[:: -1 if down else 1, :: -1 if across else 1]
