"""Masks: pictures and videos whose brightness says how much."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import numpy as np

from videostyle.errors import UnreadableError
from videostyle.frames import Pixels, Plane, Span
from videostyle.media import source
from videostyle.media.image import still
from videostyle.media.reader import read_frames


def check_mask(path: Path) -> None:
    """See that a mask can be read.

    Raises:
        UnreadableError: It is no picture and no video.

    """
    if still.is_still(path):
        still.picture_size(path)
    else:
        source.probe(path)


def read_mask(path: Path) -> Plane:
    """A picture's brightness, (H, W) in [0, 1].

    Raises:
        UnreadableError: It is no picture.

    """
    return _brightness(still.read_still(path))


def read_masks(path: Path, size: tuple[int, int], span: Span, *, quiet: bool = False) -> Iterator[Plane]:
    """A mask for every frame of a clip, (H, W) in [0, 1], without end: the last one, or the only one, stays.

    Args:
        path: A picture or a video.
        size: (width, height) to scale it to.
        span: Which of its frames are wanted; those of the clip.
        quiet: What is wrong with it was told before.

    Raises:
        UnreadableError: It cannot be read, or has no frame in `span`.

    """
    if still.is_still(path):
        yield from repeat(_brightness(still.read_still(path, size, quiet=quiet)))
    last: Plane | None = None
    for frame in read_frames(source.probe(path), size, span, quiet=quiet):
        last = _brightness(frame.pixels)
        yield last
    if last is None:
        raise UnreadableError(path, "the mask has no frame in the range that is asked for")
    yield from repeat(last)


def _brightness(pixels: Pixels) -> Plane:
    plane: Plane = (pixels.mean(axis=2) / np.iinfo(pixels.dtype).max).astype(np.float32)
    return plane
