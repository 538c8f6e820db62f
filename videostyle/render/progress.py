"""What a job says while it runs, for whoever wants to hear it: a bar, lines of a log, another program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from videostyle.plan.batch import Batch
from videostyle.plan.plan import Plan


@dataclass(frozen=True)
class FrameReport:
    """A frame that was handed to the encoder.

    Args:
        index: In the source.
        seconds: Since the frame that was finished before it, or since the beginning.
        losses: What was left of each loss, weighted, by name; empty where no step was taken.

    """

    index: int
    seconds: float
    losses: dict[str, float]


@dataclass(frozen=True)
class Summary:
    """What a job made.

    Args:
        output: Where.
        frames: How many.
        seconds: What it took, with everything but the loading of the network.
        size: (width, height).
        weights: Their name, or none.
        stages: Seconds by stage, see `render.timing`; empty for an image.

    """

    output: Path
    frames: int
    seconds: float
    size: tuple[int, int]
    weights: str
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def seconds_per_frame(self) -> float:
        return self.seconds / max(1, self.frames)


class Progress:
    """Hears of a job as it goes on; this one does nothing. Subclasses override what they want to hear."""

    def on_batch(self, batch: Batch) -> None:
        """Several images will be made, one after another; `on_start` and `on_done` come for each."""

    def on_batch_done(self) -> None:
        """The last of them was made."""

    def on_start(self, plan: Plan, seconds: float | None) -> None:
        """The work begins, and will take about so many seconds; None where nothing says."""

    def on_resume(self, frames: int) -> None:
        """So many frames are finished, because they were before, or because others are rendered again."""

    def on_shot(self, index: int) -> None:
        """A shot group begins at this frame of the source."""

    def on_work(self, cost: float) -> None:
        """An optimizer step was taken, in any thread; its cost is in steps at full size."""

    def on_frame(self, report: FrameReport) -> None:
        """A frame was handed to the encoder."""

    def on_done(self, summary: Summary) -> None:
        """The result is complete."""
