"""Where a job is cut into segments: the unit of what is rendered, kept, and lost when a job is stopped.

A *shot group* is a run of segments from one border at a cut to the next. Within it each segment starts from what the
one before it left. All that its first one needs of what went before is the last frame of an earlier shot, where one
of its own shots returns to that setup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from videostyle.frames import TrackedFrame
from videostyle.plan.plan import SegmentLimits


@dataclass(frozen=True)
class Segment:
    """Frames that are rendered, kept and lost as one: a shot, a piece of a long one, or several very short ones.

    Args:
        number: Its place in the result, from 0.
        group: Number of the first segment of its shot group.
        start: Position of its first frame among the job's frames, from 0.
        frames: How many it has.
        index: Index of its first frame in the source.
        references: Indices of last frames of earlier shots that shots in it return to.

    """

    number: int
    group: int
    start: int
    frames: int
    index: int
    references: tuple[int, ...] = ()

    @property
    def continues(self) -> bool:
        """Whether it starts from what the segment before it leaves."""
        return self.number > self.group

    def after(self, frames: int) -> Segment:
        """Return what is left of it when so many of its frames are finished."""
        return replace(self, start=self.start + frames, frames=max(0, self.frames - frames))

    @property
    def stop(self) -> int:
        """Position after its last frame."""
        return self.start + self.frames


def find_segments(
    frames: Iterable[TrackedFrame], *, cuts: bool, limits: SegmentLimits, one_group: bool = False
) -> Iterator[Segment]:
    """Yield the segments of a job in order, each as soon as its last frame is known.

    Borders depend on the frames alone, and on nothing before the last border.

    Args:
        frames: All frames of the job; only those that open a shot need their references.
        cuts: A frame without motion opens a shot; otherwise no frame has any, and borders come at `limits.longest`.
        limits: How long segments are.
        one_group: Each segment starts from what the one before it leaves, also across cuts.

    """
    number = group = start = 0
    waiting: list[TrackedFrame] = []
    for frame in frames:
        opens = frame.motion is None
        if len(waiting) == limits.longest or (cuts and opens and len(waiting) >= limits.shortest):
            yield _segment(number, group, start, waiting)
            number, start = number + 1, start + len(waiting)
            group = number if opens and not one_group else group
            waiting.clear()
        waiting.append(frame)
    if waiting:
        yield _segment(number, group, start, waiting)


def _segment(number: int, group: int, start: int, frames: list[TrackedFrame]) -> Segment:
    references = (r.index for frame in frames if frame.motion is None for r in frame.references)
    return Segment(number, group, start, len(frames), frames[0].frame.index, tuple(dict.fromkeys(references)))
