"""A finished frame on its way from the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from videostyle.errors import DivergedError
from videostyle.frames import Frame
from videostyle.style.optimize.iterate import Iterate
from videostyle.style.pixels import copy_to_cpu, to_levels
from videostyle.style.state import State


@dataclass(frozen=True, eq=False)
class StylizedFrame:
    """A finished frame that may still be on its way from the device; whoever asks for it waits, in any thread.

    Args:
        content: The frame it was made of.
        state: What it leaves to the next one.
        names: Of the losses.
        levels: Waits for its (H, W, 3) integers.
        values: Waits for whether it is finite, and what was left of each loss.

    """

    content: Frame
    state: State
    names: tuple[str, ...]
    levels: Callable[[], Tensor]
    values: Callable[[], Tensor]

    @cached_property
    def frame(self) -> Frame:
        """The frame restyled.

        Raises:
            DivergedError: The objective was not finite.

        """
        if not self.values()[0]:
            raise DivergedError(self.content.index)
        dtype = self.content.pixels.dtype
        return replace(self.content, pixels=self.levels().numpy().astype(dtype, copy=False))

    @cached_property
    def losses(self) -> dict[str, float]:
        """What was left of each loss, weighted, by name."""
        return dict(zip(self.names, self.values()[1:].tolist(), strict=True))


def in_flight(content: Frame, image: Tensor, walk: Iterate, state: State) -> StylizedFrame:
    """Return a frame, (1, 3, H, W), at the end of its walk; nothing here waits for a GPU."""
    finite = torch.isfinite(walk.image).all().to(image)
    values = torch.stack([finite, *(loss.to(image) for loss in walk.losses.values())])
    levels = to_levels(image, content.pixels.dtype)
    return StylizedFrame(content, state, tuple(walk.losses), copy_to_cpu(levels), copy_to_cpu(values))
