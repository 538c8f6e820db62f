"""Many frames → a few numbers, without keeping the frames."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path

from videostyle.measure.quality.compare import Measures
from videostyle.measure.quality.formulas import ratio

_PLACE = ("frame", "seconds", "shot")
NAMES = tuple(f.name for f in fields(Measures) if f.name not in _PLACE)
IDEAL = dict.fromkeys(  # of all others 0
    ("sharpness", "sharpness_content", "detail", "style_melt", "content_melt", "drawing_melt"), 1.0
)


@dataclass(frozen=True)
class Statistic:
    """One measure over the frames that have it.

    Args:
        count: How many have it.
        mean, rms: Of all; the square of a warp error's `rms` is E_warp.
        worst: The value farthest from the ideal one, which `IDEAL` has.
        worst_frame: Where that is.
        last: The last value.

    """

    count: int = 0
    mean: float | None = None
    rms: float | None = None
    worst: float | None = None
    worst_frame: int | None = None
    last: float | None = None

    def add(self, value: float, frame: int, ideal: float) -> Statistic:
        count = self.count + 1
        mean = ((self.mean or 0.0) * self.count + value) / count
        rms = (((self.rms or 0.0) ** 2 * self.count + value**2) / count) ** 0.5
        if self.worst is not None and abs(self.worst - ideal) >= abs(value - ideal):
            return Statistic(count, mean, rms, self.worst, self.worst_frame, value)
        return Statistic(count, mean, rms, value, frame, value)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was found in all.

    Args:
        content, output: The files.
        size: (width, height) that was measured at: the output's.
        frames: How many pairs were measured.
        content_frames, output_frames: How many there are; the pairs are the common part.
        shots: How many begin among the pairs.
        long: How many frames back the long range reaches.
        flow: The method.
        weights: Those that the losses were found with, if they were.
        statistics: By the names of `Measures`.

    """

    content: Path
    output: Path
    size: tuple[int, int]
    frames: int
    content_frames: int
    output_frames: int
    shots: int
    long: int
    flow: str
    weights: str | None
    statistics: dict[str, Statistic]

    def ratio(self, name: str) -> float | None:
        """The mean of a measure over the content's own; None where there is no such floor."""
        floor = self.statistics.get(f"{name}_content", Statistic())
        return ratio(self.statistics[name].mean, floor.mean)


def add(statistics: dict[str, Statistic], measures: Measures) -> dict[str, Statistic]:
    """The statistics with one frame more."""
    values = {name: getattr(measures, name) for name in NAMES}
    return {
        name: statistics.get(name, Statistic())
        if values[name] is None
        else statistics.get(name, Statistic()).add(values[name], measures.frame, IDEAL.get(name, 0.0))
        for name in NAMES
    }


def as_dict(evaluation: Evaluation) -> dict[str, object]:
    """For JSON."""
    ratios = {name: evaluation.ratio(name) for name in ("warp_error", "long_error", "flicker")}
    names = {"content": str(evaluation.content), "output": str(evaluation.output)}
    return {**asdict(evaluation), **names, "ratios": ratios}
