"""What a finished frame leaves to those that follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class FrameState:
    """A finished frame.

    Args:
        image: (1, 3, H, W) in [0, 1].
        confidence: (1, 1, H, W), how long each pixel has been worked on, from 0, new, to 1.
        content: Like `image`: what each of its strokes was painted for; None where nobody knows.
        displacement: (1, 2, H, W), pixels by which noise has moved along with the picture; None where there is none.

    """

    image: Tensor
    confidence: Tensor
    content: Tensor | None
    displacement: Tensor | None = None


@dataclass(frozen=True, eq=False)
class State:
    """All that a frame leaves to those that follow, so that work may go on from here in another process.

    Args:
        opening: (1, 3, H, W), the content of the frame that settled the look.
        previous: Index in the source of the frame: the last of those known.
        known: The frame and those before it that may be recalled, by index.

    """

    opening: Tensor
    previous: int
    known: Mapping[int, FrameState]
