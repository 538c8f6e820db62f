"""Still images: read as they are shown, written whole or not at all."""

from __future__ import annotations

import glob
import logging
import math
import struct
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from videostyle.errors import AppearedError, OutputError, UnreadableError
from videostyle.frames import MAX_PIXELS, Frame, Pixels, Samples
from videostyle.media.files import write_file
from videostyle.media.image.alpha import fill_hidden, on_white
from videostyle.media.image.decode import read_samples, shown_size
from videostyle.media.image.encode import ENCODERS, WITH_ALPHA
from videostyle.media.image.icc import to_srgb
from videostyle.media.image.tags import NO_TAGS, PhotoTags, photo_tags

log = logging.getLogger(__name__)

READABLE = (
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".gif", ".jp2", ".j2k", ".jpx",
)  # fmt: skip
UNREAD = (  # pictures of kinds that are not read
    ".heic", ".heif", ".hif", ".jxl", ".psd", ".psb", ".xcf", ".exr", ".hdr", ".svg", ".tga", ".dng", ".cr2", ".cr3",
    ".nef", ".arw", ".orf", ".raf", ".rw2", ".pef",
)  # fmt: skip
_DAMAGED_LATER = (EOFError, OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError, struct.error)
MAX_SCAN = 170_000_000  # pixels of a style, which is made smaller while it is read; Pillow opens no more
WRITABLE = tuple(ENCODERS)


def is_still(path: Path) -> bool:
    """Return whether a name is that of a still image, by its suffix."""
    return path.suffix.lower() in READABLE


def is_many(path: Path) -> bool:
    """Return whether a name stands for several images: a directory, or a pattern such as `photos/*.jpg`."""
    return path.is_dir() or (not path.exists() and glob.has_magic(str(path)))


def find_images(path: Path) -> list[Path]:
    """Return the file that a name stands for, or all images in a directory or of a pattern, sorted.

    Raises:
        UnreadableError: There is none.

    """
    if not is_many(path):
        if not path.exists():
            raise UnreadableError(path, "there is no such file")
        return [path]
    found = sorted(p for p in _named(path) if is_still(p))
    if not found:
        others = f" but {unread_kinds(path)}, which are not read" if unread_kinds(path) else ""
        raise UnreadableError(path, f"there is no image{others}; images are {', '.join(READABLE)}")
    return found


def unread_images(path: Path) -> list[Path]:
    """Return the images in a directory or of a pattern that are of kinds that are not read."""
    return sorted(p for p in _named(path) if p.suffix.lower() in UNREAD) if is_many(path) else []


def unread_kinds(path: Path) -> str:
    """Return how many images of a directory or a pattern are not read, by kind: `2 .heic, 1 .psd`."""
    counts = Counter(p.suffix.lower() for p in unread_images(path))
    return ", ".join(f"{count} {suffix}" for suffix, count in sorted(counts.items()))


def _named(path: Path) -> list[Path]:
    """Return the files in a directory, but hidden ones, or those of a pattern."""
    if path.is_dir():
        named = [p for p in path.iterdir() if not p.name.startswith(".")]
    else:
        named = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207  # may be absolute
    return [p for p in named if p.is_file()]


def image_size(path: Path) -> tuple[int, int]:
    """Return the (width, height) of an image as shown, from its header alone.

    Raises:
        UnreadableError: It is no image, or too large.

    """
    with _opened(path) as image:
        return shown_size(image)


def style_size(path: Path) -> tuple[int, int]:
    """Return the (width, height) of a style as shown, which may be larger than any other image.

    Raises:
        UnreadableError: It is no image, or too large even so.

    """
    with _opened(path, MAX_SCAN) as image:
        return shown_size(image)


def count_images(path: Path) -> int:
    """Return how many images a file has: those of an animation, or the pages of a TIFF; 1 if only the first is whole.

    Raises:
        UnreadableError: It is no image, or too large.

    """
    with _opened(path, MAX_SCAN) as image:
        try:
            return getattr(image, "n_frames", 1)
        except _DAMAGED_LATER:
            return 1


def stored_size(path: Path) -> tuple[int, int]:
    """Return the (width, height) of an image in its file, however it is turned; quicker than `image_size`.

    Raises:
        UnreadableError: It is no image, or too large.

    """
    with _opened(path) as image:
        return image.size


def is_transparent(path: Path) -> bool:
    """Return whether an image may be transparent somewhere, from its header alone."""
    with _opened(path) as image:
        return image.has_transparency_data


def keeps_alpha(path: Path) -> bool:
    """Return whether a name is that of an image that can be transparent, by its suffix."""
    return path.suffix.lower() in WITH_ALPHA


def read_frame(path: Path, size: tuple[int, int] | None = None) -> Frame:
    """Read an image as the frame at time 0: upright, sRGB, with 16 bits if it is stored so, transparency apart.

    The colors of fully transparent pixels, which nobody sees, give way to those nearby.

    Args:
        path: A file in one of the formats in `READABLE`.
        size: (width, height) to scale it to.

    Raises:
        UnreadableError: It is no image, damaged, or too large.

    """
    with _opened(path) as image:
        stored = read_samples(image, path)
        pixels, alpha = to_srgb(stored.colors, stored.profile), stored.alpha
    if alpha is not None:
        pixels, alpha = fill_hidden(pixels, alpha), _resized(alpha, size)
    return Frame(_resized(pixels, size), 0, Fraction(1, 1), 1, 0, alpha)


def read_still(path: Path, size: tuple[int, int] | None = None, *, quiet: bool = False) -> Pixels:
    """Read an image as `read_frame` does, and lay it on white; log that it was transparent unless `quiet`."""
    return opaque(read_frame(path, size), path, quiet=quiet)


def read_style(path: Path) -> Pixels:
    """Read a style as `read_still` does; one of more than `MAX_PIXELS` a whole number of times smaller."""
    with _opened(path, MAX_SCAN) as image:
        times = math.ceil(math.sqrt(image.width * image.height / MAX_PIXELS))
        if times > 1:
            image.draft("RGB", (image.width // times, image.height // times))  # a JPEG is never decoded whole
            return _read_smaller(image, path)
    return read_still(path)


def _read_smaller(image: Image.Image, path: Path) -> Pixels:
    stored = read_samples(image, path)
    times = math.ceil(math.sqrt(stored.colors.shape[0] * stored.colors.shape[1] / MAX_PIXELS))
    pixels = to_srgb(_reduced(stored.colors, times), stored.profile)
    return on_white(pixels, None if stored.alpha is None else _reduced(stored.alpha[..., None], times)[..., 0])


def _reduced(samples: Samples, times: int) -> Samples:
    """Return (H, W, C) a whole number of times smaller: the mean of each square, row by row."""
    height, width = (side // times * times for side in samples.shape[:2])
    rows = (
        samples[at : at + times, :width].reshape(times, width // times, times, -1).mean((0, 2))
        for at in range(0, height, times)
    )
    return np.stack([row.round().astype(samples.dtype) for row in rows])


def opaque(frame: Frame, path: Path, *, quiet: bool = False) -> Pixels:
    """Lay a frame of the file `path` on white; log that it was transparent unless `quiet`."""
    if not quiet and frame.alpha is not None and frame.alpha.min() < np.iinfo(frame.alpha.dtype).max:
        log.warning("%s is partly transparent; it is laid on white", path)
    return on_white(frame.pixels, frame.alpha)


def write_still(
    path: Path,
    pixels: Pixels,
    comment: str,
    alpha: Samples | None = None,
    within: Path | None = None,
    tags: PhotoTags = NO_TAGS,
    *,
    replace: bool = True,
) -> None:
    """Write an image of the pixels' own depth, tagged sRGB; a JPEG has 8 bits and transparency laid on white.

    Args:
        path: Its suffix, one of `WRITABLE`, says the format.
        pixels: (H, W, 3) sRGB.
        comment: How it was made, for its metadata.
        alpha: (H, W), same dtype.
        within: Directory for its temporary file, on the same disk; its own by default.
        tags: Of the photo that it was made of.
        replace: Take the place of a file that is there.

    Raises:
        AppearedError: A file is there, and is not to be replaced.
        OutputError: The file cannot be made.

    """
    if not keeps_alpha(path):
        pixels, alpha = on_white(pixels, alpha), None
    encoded = ENCODERS[path.suffix.lower()](pixels, alpha, comment, tags)
    try:
        write_file(path, encoded, None if path.is_symlink() else within, replace=replace)
    except FileExistsError as error:
        raise AppearedError(path) from error
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error


def read_tags(path: Path) -> PhotoTags:
    """Read date, author, place and the like of an image, for a result of it."""
    with _opened(path) as image:
        return photo_tags(image, path)


@contextmanager
def _opened(path: Path, most: int | None = None) -> Iterator[Image.Image]:
    """Open an image of `most` pixels with Pillow, and turn all that it raises into UnreadableError."""
    most = MAX_PIXELS if most is None else most
    if path.exists() and not path.is_file():
        raise UnreadableError(path, "it is no picture but a directory, a pipe or a device; save it as a file first")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
            warnings.simplefilter("ignore", UserWarning)  # of damaged tags, which Pillow skips
            with Image.open(path) as image:
                if image.width * image.height > most:
                    raise UnreadableError(
                        path, f"{image.width}x{image.height} is more than {most:,} pixels; make it smaller first"
                    )
                yield image
    except FileNotFoundError as error:
        raise UnreadableError(path, "there is no such file") from error
    except UnidentifiedImageError as error:
        raise UnreadableError(path, "it is no image") from error
    except Image.DecompressionBombError as error:
        raise UnreadableError(path, f"it has more than {most:,} pixels; make it smaller first") from error
    except (OSError, SyntaxError, ValueError, RuntimeError) as error:
        raise UnreadableError(path, f"the image is damaged ({error})") from error


def _resized(samples: Samples, size: tuple[int, int] | None) -> Samples:
    """Scale (H, W) or (H, W, 3) to (width, height) `size` by Lanczos filtering, at its own depth."""
    if size is None or samples.shape[1::-1] == size:
        return np.ascontiguousarray(samples)
    if samples.dtype == np.uint8:
        return np.asarray(_lanczos(samples, size))
    planes = np.moveaxis(np.atleast_3d(samples), -1, 0).astype(np.float32)
    scaled = np.stack([np.asarray(_lanczos(plane, size)) for plane in planes], axis=-1)
    whole = scaled.round().clip(0, np.iinfo(samples.dtype).max).astype(samples.dtype)
    return whole.reshape(*whole.shape[:2], *samples.shape[2:])


def _lanczos(samples: Samples, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(samples)).resize(size, Image.Resampling.LANCZOS)
