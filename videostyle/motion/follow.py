"""Frames → steps: each frame with how it came from the one before, or none at a cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from videostyle.frames import Frame, Step
from videostyle.motion.flow import METHODS, estimate
from videostyle.motion.shots import find_shots


def follow_motion(frames: Iterable[Frame], flow: str, known: int = 0) -> Iterator[Step]:
    """Yield every frame in order with its motion; the first frame of a shot has none.

    Args:
        frames: Of one size, in presentation order.
        flow: A name in `motion.flow.METHODS`.
        known: How many frames at the beginning are done and need no motion; they only help to find the cuts.

    """
    method = METHODS[flow]
    previous: Frame | None = None
    for number, (frame, new_shot) in enumerate(find_shots(frames)):
        fresh = new_shot or previous is None or number < known
        yield Step(frame, None if fresh else estimate(previous.pixels, frame.pixels, method))  # type: ignore[union-attr]
        previous = frame


def forget_motion(frames: Iterable[Frame]) -> Iterator[Step]:
    """Yield every frame as if it stood alone."""
    return (Step(frame, None) for frame in frames)
