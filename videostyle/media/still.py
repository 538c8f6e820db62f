"""Single pictures: read as they are shown, written whole or not at all."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError

from videostyle.errors import OutputError, UnreadableError
from videostyle.frames import Frame, Pixels
from videostyle.media.writer import part_path, publish

log = logging.getLogger(__name__)

READABLE = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
WRITABLE = (".jpg", ".jpeg", ".png")
LARGEST = 64_000_000  # pixels


def is_still(path: Path) -> bool:
    """Whether a name is that of a single picture."""
    return path.suffix.lower() in READABLE


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of a picture as shown, from its header alone.

    Raises:
        UnreadableError: It is no picture, or too large to be one.

    """
    with _opened(path) as image:
        turned = image.getexif().get(0x0112, 1) >= 5
        return image.size[::-1] if turned else image.size


def read_still(path: Path, size: tuple[int, int] | None = None) -> Pixels:
    """A picture as (H, W, 3) sRGB uint8: upright, its color profile applied, transparency laid on white.

    Args:
        path: A file in one of the formats in `READABLE`.
        size: (width, height) to scale it to.

    Raises:
        UnreadableError: It is no picture, damaged, or too large.

    """
    with _opened(path) as image:
        upright = ImageOps.exif_transpose(_flattened(image, path))
        rgb = _srgb(upright, image.info.get("icc_profile"))
        if size is not None and rgb.size != size:
            rgb = rgb.resize(size, Image.Resampling.LANCZOS)
        return np.asarray(rgb)


def as_frame(pixels: Pixels) -> Frame:
    """A still as a clip of one frame."""
    return Frame(pixels, 0, Fraction(1, 1), 1, 0)


def write_still(path: Path, pixels: Pixels, comment: str) -> None:
    """Write a PNG or a JPEG without color subsampling.

    Raises:
        OutputError: The file cannot be made.

    """
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", comment)
    part = part_path(path)
    try:
        image = Image.fromarray(pixels)
        image.save(part, quality=95, subsampling=0, pnginfo=info, comment=comment)
        publish(part, path)
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
            with Image.open(path) as image:
                if image.width * image.height > LARGEST:
                    raise UnreadableError(path, f"{image.width}x{image.height} is more than {LARGEST:,} pixels")
                yield image
    except FileNotFoundError as error:
        raise UnreadableError(path, "there is no such file") from error
    except UnidentifiedImageError as error:
        raise UnreadableError(path, "it is no picture") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableError(path, f"the picture is damaged ({error})") from error


def _flattened(image: Image.Image, path: Path) -> Image.Image:
    """Without transparency, and 8 bit a channel."""
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.float64)
        return Image.fromarray((deep / 257).round().clip(0, 255).astype(np.uint8))
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    log.warning("%s is partly transparent; it is laid on white", path)
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    flat = Image.alpha_composite(white, rgba).convert("RGB")
    flat.getexif().update(image.getexif())
    return flat


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return converted if converted is not None else image.convert("RGB")
        except ImageCms.PyCMSError:
            log.warning("a color profile that cannot be used is passed over")
    return image.convert("RGB")
