"""Frames → steps: each frame with how it came from the one before, or none at a cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from videostyle.frames import Fade, Frame, Motion, Reference, TrackedFrame
from videostyle.motion.fade import estimate_fade
from videostyle.motion.flow import METHODS, estimate
from videostyle.motion.shots import find_shots

REFERENCE_INTERVAL = 8  # frames; every so many one is kept, to be recalled where the previous frame cannot be trusted
MAX_REFERENCES = 4  # at most
SETUPS = 4  # last frames of earlier shots that are kept, for a shot that returns to the same setup
KNOWN = 0.5  # of a frame: a shot whose first frame follows an earlier one in more than this is no new setup
ENOUGH = 0.002  # of a frame: less than this is not worth looking back for
NOT_COMPUTED = Motion(np.empty((0, 0, 2), np.float32), np.empty((0, 0), np.float32))  # of a frame that follows unasked

MotionFilter = Callable[[int, bool], bool]


def every_frame(number: int, opens: bool) -> bool:
    """Every frame is asked for."""
    return True


def follow_motion(
    frames: Iterable[Frame], flow: str, mask: str = "evidence", needs_motion: MotionFilter = every_frame
) -> Iterator[TrackedFrame]:
    """Yield every frame in order with its motion; the first frame of a shot has none.

    Where the previous frame hid something, older frames of the shot that saw it come along: Ruder et al. 2016,
    eq. 10, with the newest frame that sees a pixel to be trusted. A shot that returns to an earlier setup, as in
    the cuts of a dialogue, has no motion but recalls that setup. A frame that has faded to nothing counts as the
    last one in which something was seen; when the light comes back, a shot begins, which may be the same setup.

    Args:
        frames: Of one size, in presentation order.
        flow: A name in `motion.flow.METHODS`.
        mask: A name in `motion.flow.MASKS`.
        needs_motion: Which frames need it, by their number from 0 and whether they open a shot. The motion of one that
            needs none is `NOT_COMPUTED`, but None if it opens a shot.

    """
    measure = partial(estimate, method=METHODS[flow], mask=mask)
    retained: deque[Frame] = deque(maxlen=MAX_REFERENCES)
    setups: deque[Frame] = deque(maxlen=SETUPS)
    previous: TrackedFrame | None = None
    since = 0
    for number, (frame, new_shot) in enumerate(find_shots(frames)):
        motion: Motion | None = None
        references: tuple[Reference, ...] = ()
        fade = estimate_fade(frame.pixels)
        opens = previous is None or _starts_shot(previous.fade, fade, cut=new_shot)
        needed = needs_motion(number, opens)
        if previous is None or opens:
            setups.extend([previous.frame] if previous is not None else [])
            references = tuple(_returning_setup(frame, setups, measure)) if needed else ()
            retained.clear()
            since = 0
        elif not needed:
            motion = NOT_COMPUTED
        else:
            before = previous.frame
            motion = _static(frame) if fade.invisible else measure(before.pixels, frame.pixels)
            references = tuple(_references(frame, motion, [k for k in retained if k is not before], measure))
        seen = replace(frame, pixels=previous.frame.pixels) if previous is not None and fade.invisible else frame
        if since % REFERENCE_INTERVAL == 0:
            retained.append(seen)
        step = TrackedFrame(frame, motion, references, tuple(k.index for k in (*setups, *retained)), fade=fade)
        yield step
        previous, since = replace(step, frame=seen), since + 1


def _starts_shot(before: Fade, now: Fade, *, cut: bool) -> bool:
    """Whether a shot begins: at a cut, and where the light comes back; not where nothing can be seen."""
    return not now.invisible and (cut or before.invisible)


def _static(frame: Frame) -> Motion:
    """A frame in which nothing can be seen: whatever was there before still is."""
    h, w = frame.pixels.shape[:2]
    return Motion(np.zeros((h, w, 2), np.float32), np.ones((h, w), np.float32))


def _returning_setup(frame: Frame, setups: Sequence[Frame], measure: partial[Motion]) -> Iterator[Reference]:
    """The earlier shot, newest first, whose setup this frame shows again, if any."""
    for older in reversed(setups):
        found = measure(older.pixels, frame.pixels)
        if found.mask.mean() > KNOWN:
            yield Reference(older.index, found)
            return


def _references(frame: Frame, motion: Motion, retained: list[Frame], measure: partial[Motion]) -> Iterator[Reference]:
    """The kept frames, newest first, that see what no newer one does."""
    unseen = 1 - motion.mask
    for older in reversed(retained):
        if unseen.mean() < ENOUGH:
            return
        found = measure(older.pixels, frame.pixels)
        seen = np.minimum(found.mask, unseen)
        if seen.mean() > ENOUGH / 4:
            yield Reference(older.index, Motion(found.flow, seen))
            unseen = unseen - seen


def with_forward_motion(steps: Iterable[TrackedFrame], flow: str, mask: str = "evidence") -> Iterator[TrackedFrame]:
    """The steps of `follow_motion` with how each previous frame comes from the next, for passes that go backward."""
    previous: TrackedFrame | None = None
    for step in steps:
        if previous is None or step.motion is None or step.motion is NOT_COMPUTED:
            yield step
        elif step.fade.invisible:
            yield replace(step, forward_motion=_static(step.frame))
        else:
            yield replace(step, forward_motion=estimate(step.frame.pixels, previous.frame.pixels, METHODS[flow], mask))
        previous = step


def forget_motion(frames: Iterable[Frame]) -> Iterator[TrackedFrame]:
    """Yield every frame as if it stood alone."""
    return (TrackedFrame(frame, None) for frame in frames)
