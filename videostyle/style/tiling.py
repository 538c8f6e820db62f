"""When the device is full: the same activations from tiles, and the ladder of cheaper ways to work."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from videostyle.style.features.layers import layer_name, stride
from videostyle.style.objective.terms import Extract, Features

OVERLAP = 96  # pixels that a tile sees beyond its share; a multiple of 16


@dataclass(frozen=True)
class MemoryMode:
    """One way to work.

    Args:
        tile: Longest side, in pixels, of the piece of a frame that the network sees at once; None is all of it.
        optimizer: What takes the place of L-BFGS; None keeps it.

    """

    tile: int | None = None
    optimizer: str | None = None

    def __str__(self) -> str:
        parts = [f"tiles of {self.tile} pixels" if self.tile else "whole frames"]
        return " and ".join([*parts, *(["Adam"] if self.optimizer else [])])


FALLBACKS = (MemoryMode(), MemoryMode(1024), MemoryMode(512), MemoryMode(512, "adam"), MemoryMode(256, "adam"))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device, or this machine, has no more memory to give."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


@dataclass(frozen=True, eq=False)
class Tiled:
    """A network that sees an image in overlapping tiles, and forgets what it saw until the gradient needs it.

    Only the activations asked for are kept, whole: every statistic is of the whole frame, so that no tile has a
    style of its own. Away from the borders of tiles the result is the network's own; there it differs by what
    lies more than `OVERLAP` pixels away (Chen et al. 2016, arXiv:1604.06174, for the recomputation).
    """

    network: Extract
    tile: int

    def __call__(self, image: Tensor, names: Iterable[str]) -> Features:
        """Activations of `image`, (N, 3, H, W), by the names asked for."""
        asked = tuple(names)
        rows = [self._row(image, down, asked) for down in _spans(image.shape[2], self.tile)]
        return {name: torch.cat([row.pop(name) for row in rows], dim=2) for name in asked}

    def _row(self, image: Tensor, down: range, names: tuple[str, ...]) -> dict[str, Tensor]:
        """Activations of a row of tiles, joined at once: apart and joined, all of them would be held twice."""
        tiles = [self._seen(image, down, across, names) for across in _spans(image.shape[3], self.tile)]
        return {name: torch.cat(parts, dim=3) for name, parts in zip(names, zip(*tiles, strict=True), strict=True)}

    def _seen(self, image: Tensor, down: range, across: range, names: tuple[str, ...]) -> tuple[Tensor, ...]:
        def look(whole: Tensor) -> tuple[Tensor, ...]:
            top, left = max(0, down.start - OVERLAP), max(0, across.start - OVERLAP)
            piece = whole[..., top : down.stop + OVERLAP, left : across.stop + OVERLAP]
            found = self.network(piece, names)
            return tuple(_inner(found[name], name, (top, left), down, across, image.shape) for name in names)

        if not torch.is_grad_enabled():
            return look(image)
        return checkpoint(look, image, use_reentrant=False)


def _spans(length: int, tile: int) -> Iterator[range]:
    """Stretches of at most about `tile` pixels that start at multiples of 16, the coarsest stride there is."""
    count = math.ceil(length / tile)
    borders = [round(length / count * number / 16) * 16 for number in range(count)]
    for begin, end in zip(borders, [*borders[1:], length], strict=True):
        yield range(begin, end)


def _inner(found: Tensor, name: str, corner: tuple[int, int], down: range, across: range, shape: torch.Size) -> Tensor:
    """The part of a tile's activations that is its own share of the frame."""
    step = stride(layer_name(name))
    (top, left), (bottom, right) = corner, (down.stop, across.stop)
    last_row = shape[2] // step if bottom == shape[2] else bottom // step
    last_column = shape[3] // step if right == shape[3] else right // step
    return found[
        ...,
        (down.start - top) // step : last_row - top // step,
        (across.start - left) // step : last_column - left // step,
    ]
