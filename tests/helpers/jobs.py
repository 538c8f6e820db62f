"""Jobs as the command makes them, with segments as short as a test wants them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

import videostyle
from videostyle.cli import main
from videostyle.plan.plan import Plan, SegmentLimits
from videostyle.plan.planner import make_plan
from videostyle.plan.request import Request, as_paths
from videostyle.render.progress import FrameReport, Progress, Summary
from videostyle.render.run import run as run_plan

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
    return run_plan(planned(content, style, output, settings, **words), Watch(on_frame=on_frame))


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
        return run_plan(planned(content, style, output, settings, **words), Watch(stop))
    except StopError as error:
        return " ".join(getattr(error, "__notes__", []))


def packets(path: Path) -> list[tuple[Any, ...]]:
    """Everything in a file but what a muxer draws by lot."""
    with av.open(str(path)) as container:
        return [(p.stream.index, p.pts, p.dts, p.duration, p.is_keyframe, bytes(p)) for p in container.demux()]


UNTOUCHED = videostyle.Settings(iterations=0, first_iterations=0, device="cpu")


def copied(content: Path, style: Path, output: Path, **more: Any) -> Summary:
    """The whole way from file to file, without a step of styling."""
    return run_plan(planned(content, style, output, UNTOUCHED, limits=SegmentLimits(), **more))


def run(*words: str) -> int:
    """The command in this process; its exit status."""
    with pytest.raises(SystemExit) as left:
        main(words)
    return left.value.code


def command(*words: object, code: int = 0) -> str:
    """What the command says on stdout and stderr, in a process of its own, without a step of styling."""
    untouched = ["--iterations", 0, "--first-iterations", 0]
    program = [sys.executable, "-m", "videostyle", *map(str, [*words, *untouched])]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
