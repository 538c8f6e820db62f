"""Frames → steps: each frame with how it came from the one before, or none at a cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from videostyle.frames import Frame, Motion, Recall, Step
from videostyle.motion.flow import METHODS, estimate
from videostyle.motion.shots import find_shots

KEPT_EVERY = 8  # frames; every so many one is kept, to be recalled where the previous frame cannot be trusted
KEPT = 4  # at most
SETUPS = 4  # last frames of earlier shots that are kept, for a shot that returns to the same setup
KNOWN = 0.5  # of a frame: a shot whose first frame follows an earlier one in more than this is no new setup
ENOUGH = 0.002  # of a frame: less than this is not worth looking back for
UNTOLD = Motion(
    np.empty((0, 0, 2), np.float32), np.empty((0, 0), np.float32)
)  # of a frame that needs none, but follows


def follow_motion(frames: Iterable[Frame], flow: str, mask: str = "evidence", done: int = 0) -> Iterator[Step]:
    """Yield every frame in order with its motion; the first frame of a shot has none.

    Where the previous frame hid something, older frames of the shot that saw it come along: Ruder et al. 2016,
    eq. 10, with the newest frame that sees a pixel to be trusted. A shot that returns to an earlier setup, as in
    the cuts of a dialogue, has no motion but recalls that setup.

    Args:
        frames: Of one size, in presentation order.
        flow: A name in `motion.flow.METHODS`.
        mask: A name in `motion.flow.MASKS`.
        done: How many frames at the beginning are finished and need no motion, but whether they begin a shot; they tell
            of those that follow.

    """
    measure = partial(estimate, method=METHODS[flow], mask=mask)
    kept: deque[Frame] = deque(maxlen=KEPT)
    setups: deque[Frame] = deque(maxlen=SETUPS)
    previous: Frame | None = None
    since = 0
    for number, (frame, new_shot) in enumerate(find_shots(frames)):
        motion: Motion | None = None
        recalls: tuple[Recall, ...] = ()
        if previous is None or new_shot:
            setups.extend([previous] if previous is not None else [])
            recalls = tuple(_known(frame, setups, measure)) if number >= done else ()
            kept.clear()
            since = 0
        elif number < done:
            motion = UNTOLD
        else:
            motion = measure(previous.pixels, frame.pixels)
            recalls = tuple(_recalls(frame, motion, [k for k in kept if k is not previous], measure))
        if since % KEPT_EVERY == 0:
            kept.append(frame)
        yield Step(frame, motion, recalls, tuple(k.index for k in (*setups, *kept)))
        previous, since = frame, since + 1


def _known(frame: Frame, setups: Sequence[Frame], measure: partial[Motion]) -> Iterator[Recall]:
    """The earlier shot, newest first, whose setup this frame shows again, if any."""
    for older in reversed(setups):
        found = measure(older.pixels, frame.pixels)
        if found.mask.mean() > KNOWN:
            yield Recall(older.index, found)
            return


def _recalls(frame: Frame, motion: Motion, kept: list[Frame], measure: partial[Motion]) -> Iterator[Recall]:
    """The kept frames, newest first, that see what no newer one does."""
    unseen = 1 - motion.mask
    for older in reversed(kept):
        if unseen.mean() < ENOUGH:
            return
        found = measure(older.pixels, frame.pixels)
        seen = np.minimum(found.mask, unseen)
        if seen.mean() > ENOUGH / 4:
            yield Recall(older.index, Motion(found.flow, seen))
            unseen = unseen - seen


def forget_motion(frames: Iterable[Frame]) -> Iterator[Step]:
    """Yield every frame as if it stood alone."""
    return (Step(frame, None) for frame in frames)
