"""The measures over time, as one picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from videostyle.frames import Pixels
from videostyle.measure.quality.compare import Measures, View
from videostyle.measure.quality.summary import IDEAL, NAMES, Evaluation
from videostyle.media.image.still import write_still

MOST = 2048  # points that are kept, however long the video is
WIDTH, HEIGHT, LEFT, RIGHT, GAP, TOP = 1200, 150, 90, 24, 44, 40  # of a panel and its margins, pixels
FINER = 2  # drawn larger and reduced, for smooth lines

Color = tuple[int, int, int]
Values = dict[str, float | None]

INK, FAINT, CONTENT, OUTPUT, CUT = (40, 40, 40), (225, 225, 225), (150, 150, 150), (200, 40, 30), (70, 120, 220)
RED, GREEN, BLUE = (210, 60, 50), (40, 150, 70), (50, 90, 210)


@dataclass(frozen=True)
class Point:
    """Some frames in a row as one: of each measure the value farthest from the ideal."""

    frames: int
    shot: int
    values: Values

    def with_next(self, later: Point) -> Point:
        values = {name: _worse(name, self.values[name], later.values[name]) for name in NAMES}
        return Point(self.frames + later.frames, later.shot, values)


def _worse(name: str, a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return b if a is None else a
    ideal = IDEAL.get(name, 0.0)
    return a if abs(a - ideal) >= abs(b - ideal) else b


@dataclass(frozen=True)
class Panel:
    """One measure or a few of one unit, by name and color."""

    title: str
    lines: tuple[tuple[str, Color], ...]


def _panels(evaluation: Evaluation) -> list[Panel]:
    pair = (("{}_content", CONTENT), ("{}", OUTPUT))
    with_floor = {
        "warp_error": "warp error, 1 frame (gray: the content's)",
        "long_error": f"warp error, {evaluation.long} frames (gray: the content's)",
        "flicker": "flicker where nothing moves, levels (gray: the content's)",
        "sharpness": "sharpness over the shot's first frame (gray: the content's)",
    }
    panels = {
        name: Panel(title, tuple((each.format(name), color) for each, color in pair))
        for name, title in with_floor.items()
    }
    drift = Panel(
        "drift of mean red, green and blue, and of all along the motion (black), levels",
        (("drift_red", RED), ("drift_green", GREEN), ("drift_blue", BLUE), ("drift_followed", INK)),
    )
    looks = Panel(
        "drift of contrast (red) and palette (blue), levels", (("contrast_drift", RED), ("palette_drift", BLUE))
    )
    losses = [Panel(f"{kind} loss, {evaluation.weights}", ((f"{kind}_loss", OUTPUT),)) for kind in ("style", "content")]
    found = [panels[n] for n in ("warp_error", "long_error", "flicker")] + [drift, looks, panels["sharpness"]]
    return found + losses if evaluation.weights else found


class PlotFile:
    """A picture of every measure over the frames; a context manager. The file appears when it is complete.

    Args:
        path: .png, .jpg or .jpeg.
        replace: Take the place of a file that is there.

    """

    def __init__(self, path: Path, *, replace: bool) -> None:
        self._path, self._replace = path, replace
        self._points: list[Point] = []
        self._each = 1

    def __enter__(self) -> Self:
        return self

    def write(self, view: View, measures: Measures) -> None:
        point = Point(1, measures.shot, {name: getattr(measures, name) for name in NAMES})
        if self._points and self._points[-1].frames < self._each:
            self._points[-1] = self._points[-1].with_next(point)
            return
        if len(self._points) == MOST:
            self._points = [a.with_next(b) for a, b in zip(self._points[::2], self._points[1::2], strict=True)]
            self._each *= 2
        self._points.append(point)

    def close(self, evaluation: Evaluation) -> None:
        write_still(self._path, draw(self._points, evaluation), "videostyle evaluate", replace=self._replace)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def draw(points: Sequence[Point], evaluation: Evaluation) -> Pixels:
    """(H, W, 3) uint8: the panels one below the other."""
    panels = _panels(evaluation)
    height = TOP + len(panels) * (HEIGHT + GAP)
    image = Image.new("RGB", (WIDTH * FINER, height * FINER), "white")
    pen = ImageDraw.Draw(image)
    names = f"{evaluation.output.name} against {evaluation.content.name}"
    heading = f"{names}: {evaluation.frames} frames from left to right; blue lines are cuts"
    _write(pen, LEFT, 10, heading, 15)
    for number, panel in enumerate(panels):
        _draw_panel(pen, panel, points, TOP + number * (HEIGHT + GAP) + 22)
    return np.asarray(image.resize((WIDTH, height), Image.Resampling.BOX))


def _draw_panel(pen: ImageDraw.ImageDraw, panel: Panel, points: Sequence[Point], top: int) -> None:
    _write(pen, LEFT, top - 20, panel.title, 13)
    known = [v for point in points for name, _ in panel.lines if (v := point.values[name]) is not None]
    if not known:
        _write(pen, LEFT, top + HEIGHT // 2, "nothing to measure", 13, CONTENT)
        return
    low, high = _limits(known)
    for value in _ticks(low, high):
        y = _height(value, low, high, top)
        _line(pen, [(LEFT, y), (WIDTH - RIGHT, y)], FAINT, 1)
        _write(pen, 24, y - 8, f"{value:.4g}", 12)
    for x in _cuts(points):
        _line(pen, [(x, top), (x, top + HEIGHT)], CUT, 1)
    for name, color in panel.lines:
        for run in _runs(points, name):
            _line(pen, [(x, _height(value, low, high, top)) for x, value in run], color, 2)


def _limits(known: Sequence[float]) -> tuple[float, float]:
    """The axis: from 0 or below to the largest value, never of no length."""
    low, high = min(0.0, *known), max(0.0, *known)
    return (low, high) if high - low > 1e-6 else (low, low + 1.0)


def _ticks(low: float, high: float) -> list[float]:
    """A few round numbers from `low` to `high`."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _cuts(points: Sequence[Point]) -> Iterator[float]:
    for n, (before, point) in enumerate(pairwise(points), 1):
        if point.shot != before.shot:
            yield _place(n, points)


def _runs(points: Sequence[Point], name: str) -> Iterator[list[tuple[float, float]]]:
    """The stretches of points that have a measure, within one shot, as (x, value)."""
    run: list[tuple[float, float]] = []
    for n, point in enumerate(points):
        value = point.values[name]
        if run and (value is None or point.shot != points[n - 1].shot):
            yield run
            run = []
        if value is not None:
            run.append((_place(n, points), value))
    if run:
        yield run


def _place(n: int, points: Sequence[Point]) -> float:
    return LEFT + n / max(1, len(points) - 1) * (WIDTH - LEFT - RIGHT)


def _height(value: float, low: float, high: float, top: int) -> float:
    return top + (high - value) / (high - low) * HEIGHT


def _line(pen: ImageDraw.ImageDraw, places: Sequence[tuple[float, float]], color: Color, width: int) -> None:
    """A line through places in pixels; a single place is a dot."""
    finer = [(x * FINER, y * FINER) for x, y in places]
    if len(finer) == 1:
        ((x, y),) = finer
        pen.ellipse([x - 3, y - 3, x + 3, y + 3], fill=color)
    else:
        pen.line(finer, fill=color, width=width * FINER, joint="curve")


def _write(pen: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, color: Color = INK) -> None:
    pen.text((x * FINER, y * FINER), text, fill=color, font=ImageFont.load_default(size * FINER))
