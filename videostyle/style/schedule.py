"""How the steps of one frame are spent: resolutions from coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass

from videostyle.settings import Settings

COARSE_SCALE = 0.5
COARSE_SHARE = 0.35  # of a fresh frame's steps; they cost a quarter of a full-size step each
SMALLEST = 64  # longest side in pixels below which no coarser level is worth its while


@dataclass(frozen=True)
class Level:
    """`iterations` steps on the frame scaled by `scale`."""

    scale: float
    iterations: int

    @property
    def work(self) -> float:
        """Cost in full-size steps."""
        return self.iterations * self.scale**2


def fresh_levels(settings: Settings, longest: int) -> list[Level]:
    """The levels of a frame that starts from nothing; its longest side has `longest` pixels."""
    steps = settings.first_iterations
    if longest * COARSE_SCALE < SMALLEST:
        return [Level(1.0, steps)]
    coarse = round(steps * COARSE_SHARE)
    return [Level(COARSE_SCALE, coarse), Level(1.0, steps - coarse)]


def fresh_work(settings: Settings, longest: int) -> float:
    """Cost of a frame that starts from nothing, in full-size steps; a frame that follows costs `iterations`."""
    return sum(level.work for level in fresh_levels(settings, longest))
