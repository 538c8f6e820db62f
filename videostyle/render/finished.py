"""What workers are and what they hand on: finished frames, and the end of a segment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from videostyle.frames import Frame, TrackedFrame
from videostyle.journal.state import SegmentState


class FinishedFrame(Protocol):
    """A frame on its way to the encoder; whoever asks for `frame` or `losses` waits for the device."""

    @property
    def content(self) -> Frame: ...

    @property
    def frame(self) -> Frame: ...

    @property
    def losses(self) -> dict[str, float]: ...

    @property
    def left(self) -> SegmentState | None:
        """What it leaves to those that follow, to the last bit; asked for once `frame` is there."""
        ...


@dataclass(frozen=True, eq=False)
class UntouchedFrame:
    """A frame that no step was taken on."""

    content: Frame
    losses: dict[str, float] = field(default_factory=dict)
    left: SegmentState | None = None

    @property
    def frame(self) -> Frame:
        return self.content


@dataclass(frozen=True, eq=False)
class SegmentEnd:
    """All frames of a segment are stylized; `state` is what they leave to later segments."""

    state: SegmentState | None


Stylized = FinishedFrame | SegmentEnd


class Worker(Protocol):
    """Stylizes segments."""

    def stylize(
        self, frames: Iterable[TrackedFrame], state: SegmentState | None, *, opens_job: bool = False
    ) -> Iterator[Stylized]:
        """Yield the frames of a segment stylized, and then the segment's end.

        Args:
            frames: In order.
            state: What earlier segments left.
            opens_job: The first frame is the job's.

        """
        ...

    def stream(self) -> AbstractContextManager[None]:
        """The context in which one thread calls `stylize`."""
        ...
