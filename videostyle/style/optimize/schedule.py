"""How the steps of one frame are spent: resolutions from coarse to fine."""

from __future__ import annotations

import math
from dataclasses import dataclass

from videostyle.settings import Settings

DISOCCLUDED = 0.005  # of a frame: with more to make anew than this, a following frame gets a coarse level too
COARSE = 0.5  # its size; it has as many steps, which cost a quarter
CALM, MOVING = 1 / 3, 0.1  # the least share of the steps; pixels of motion from which all of them are taken
ROUGHEST = 96  # longest side in pixels that halving a fresh frame stops at: smaller ones forget what is shown
SMALLEST = 64  # longest side in pixels below which a following frame gets no coarse level


@dataclass(frozen=True)
class Level:
    """`iterations` steps on the frame scaled by `scale`, after `begun` of the frame's `total` steps."""

    scale: float
    iterations: int
    begun: int
    total: int

    @property
    def cost(self) -> float:
        """Of one step, in full-size steps."""
        return self.scale**2

    def progress(self, done: float) -> float:
        """The share of the frame's steps that are behind when `done` of this level's are."""
        return (self.begun + done * self.iterations) / max(1, self.total)


def fresh_levels(settings: Settings, longest: int) -> list[Level]:
    """The levels of a frame that starts from nothing; its longest side has `longest` pixels.

    Each has as many steps, whatever size the frame has in the end: so a smaller result is what a larger one went
    through, and a preview shows the look of the final picture.
    """
    scales, steps = settings.scales or _halvings(longest), settings.first_iterations
    return [Level(scale, steps, steps * number, steps * len(scales)) for number, scale in enumerate(scales)]


def _halvings(longest: int) -> tuple[float, ...]:
    count = max(0, math.floor(math.log2(longest / ROUGHEST)))
    return tuple(0.5**n for n in range(count, -1, -1))


def following_levels(settings: Settings, longest: int, disoccluded: float, speed: float) -> list[Level]:
    """The levels of a frame that follows earlier ones: steps are spent where there is something to do.

    Args:
        settings: How.
        longest: Longest side of the frame, in pixels.
        disoccluded: The share of it that cannot follow; that part begins coarse.
        speed: How far it moved, in pixels on average: what stands still has nothing to repair after a warp.

    """
    steps = math.ceil(settings.iterations * share_of_steps(disoccluded, speed))
    if disoccluded < DISOCCLUDED or longest * COARSE < SMALLEST:
        return [Level(1.0, steps, 0, steps)]
    return [Level(COARSE, steps, 0, 2 * steps), Level(1.0, steps, steps, 2 * steps)]


def share_of_steps(disoccluded: float, speed: float) -> float:
    """The share of its steps, in (0, 1], that a following frame takes: see `following_levels`."""
    return min(1.0, max(CALM, speed / MOVING, disoccluded / DISOCCLUDED))


def fresh_work(settings: Settings, longest: int) -> float:
    """Cost of a frame that starts from nothing, in full-size steps; a frame that follows costs `iterations`."""
    return sum(level.iterations * level.cost for level in fresh_levels(settings, longest))
