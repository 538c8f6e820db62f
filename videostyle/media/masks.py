"""Masks: images and videos whose brightness says how much."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import numpy as np

from videostyle.errors import UnreadableError
from videostyle.frames import Pixels, Plane, Span
from videostyle.media.content import open_content
from videostyle.media.image import still


def check_mask(path: Path) -> None:
    """See that the headers of a mask can be read.

    Raises:
        UnreadableError: It is no image and no video.

    """
    open_content(path, moving=True)


def read_mask(path: Path) -> Plane:
    """Read an image's brightness, (H, W) in [0, 1].

    Raises:
        UnreadableError: It is no image.

    """
    return _brightness(still.read_still(path))


def read_masks(path: Path, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Plane]:
    """Yield a mask for every frame of a clip, (H, W) in [0, 1], without end: the last one, or the only one, stays.

    Args:
        path: An image, numbered images, or a video.
        size: (width, height) to scale it to.
        span: Which of its frames; the span of the clip.
        quiet: Log nothing about what is wrong with it.

    Raises:
        UnreadableError: It cannot be read, or has no frame in `span`.

    """
    last: Plane | None = None
    for frame in open_content(path, moving=True).read_frames(size, span, quiet=quiet):
        last = _brightness(still.opaque(frame, path, quiet=quiet or last is not None))
        yield last
    if last is None:
        raise UnreadableError(path, "the mask has no frame in the range that is asked for")
    yield from repeat(last)


def _brightness(pixels: Pixels) -> Plane:
    plane: Plane = (pixels.mean(axis=2) / np.iinfo(pixels.dtype).max).astype(np.float32)
    return plane
