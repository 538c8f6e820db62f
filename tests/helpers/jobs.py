"""Jobs as the command makes them, with segments as short as a test wants them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

import videostyle
from videostyle.plan.plan import Plan, SegmentLimits
from videostyle.plan.planner import make_plan
from videostyle.plan.request import Request, as_paths
from videostyle.render.progress import FrameReport, Progress, Summary
from videostyle.render.run import run

PLAIN = videostyle.Settings(iterations=0, first_iterations=0)
STYLED = videostyle.Settings(
    weights="builtin", iterations=1, first_iterations=1, color="match", style_layers=("relu2_1",)
)
SHORT = SegmentLimits(4, 2)


OnFrame = Callable[[FrameReport], object]


class StopError(Exception):
    """Strikes a job in the middle."""


class Watch(Progress):
    """Collects what a job says; `stop` is the frame of the source after which it is struck."""

    def __init__(
        self, stop: int | None = None, on_frame: Callable[[FrameReport], object] = lambda report: None
    ) -> None:
        self.reports: list[FrameReport] = []
        self.counted = [0]
        self.work: list[float] = []
        self._stop, self._on_frame = stop, on_frame

    def on_frame(self, report: FrameReport) -> None:
        self.reports.append(report)
        self.counted.append(self.counted[-1] + 1)
        self._on_frame(report)
        if report.index == self._stop:
            raise StopError

    def on_resume(self, frames: int) -> None:
        self.counted.append(frames)

    def on_work(self, cost: float) -> None:
        self.work.append(cost)


def planned(
    content: Path,
    style: Path | list[Path],
    output: Path,
    settings: videostyle.Settings = PLAIN,
    *,
    limits: SegmentLimits = SHORT,
    fps: int | None = None,
    **words: Any,
) -> Plan:
    """The plan of a job."""
    rate = None if fps is None else Fraction(fps)
    request = Request(content=content, styles=as_paths(style), output=output, settings=settings, fps=rate, **words)
    return replace(make_plan(request), limits=limits)


def render(
    content: Path,
    style: Path | list[Path],
    output: Path,
    settings: videostyle.Settings = PLAIN,
    *,
    on_frame: OnFrame = lambda report: None,
    **words: Any,
) -> Summary:
    """Run a job from beginning to end."""
    return run(planned(content, style, output, settings, **words), Watch(on_frame=on_frame))


def made(
    content: Path,
    style: Path | list[Path],
    output: Path,
    settings: videostyle.Settings = PLAIN,
    *,
    stop: int | None = None,
    **words: Any,
) -> Summary | str:
    """Run a job; with `stop`, strike it when that frame of the source is finished, and return what was said then."""
    try:
        return run(planned(content, style, output, settings, **words), Watch(stop))
    except StopError as error:
        return " ".join(getattr(error, "__notes__", []))


def packets(path: Path) -> list[tuple[Any, ...]]:
    """Everything in a file but what a muxer draws by lot."""
    with av.open(str(path)) as container:
        return [(p.stream.index, p.pts, p.dts, p.duration, p.is_keyframe, bytes(p)) for p in container.demux()]
