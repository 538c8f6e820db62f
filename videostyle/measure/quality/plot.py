"""The measures over time, as one picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from videostyle.errors import OutputError
from videostyle.frames import Pixels
from videostyle.measure.chart import BLUE, GRAY, GREEN, INK, RED, in_style, new_figure, to_pixels
from videostyle.measure.quality.compare import Measures, View
from videostyle.measure.quality.summary import IDEAL, NAMES, Evaluation
from videostyle.media.image.still import WRITABLE, write_still

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 2048  # points that are kept, however long the video is
WIDTH, HEIGHT, MARGIN = 1200, 190, 60  # of the picture; of a panel; above and below all of them; pixels
CUT = "#a9bdf0"

Values = dict[str, float | None]


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
class Line:
    """A measure, by its name, the words of the legend, and the color."""

    name: str
    label: str
    color: str


@dataclass(frozen=True)
class Panel:
    """One measure or a few of one unit."""

    title: str
    lines: tuple[Line, ...]


def _beside_content(title: str, name: str) -> Panel:
    return Panel(title, (Line(f"{name}_content", "content", GRAY), Line(name, "output", RED)))


def _panels(evaluation: Evaluation) -> list[Panel]:
    means = [Line(f"drift_{name}", name, color) for name, color in (("red", RED), ("green", GREEN), ("blue", BLUE))]
    losses = [
        Panel(f"{kind} loss, {evaluation.weights}", (Line(f"{kind}_loss", "output", RED),))
        for kind in ("style", "content")
    ]
    return [
        _beside_content("warp error, 1 frame", "warp_error"),
        _beside_content(f"warp error, {evaluation.long} frames", "long_error"),
        _beside_content("flicker where nothing moves, levels", "flicker"),
        Panel("drift of the mean, levels", (*means, Line("drift_followed", "all, along the motion", INK))),
        Panel("drift, levels", (Line("contrast_drift", "contrast", RED), Line("palette_drift", "palette", BLUE))),
        _beside_content("sharpness over the shot's first frame", "sharpness"),
        *(losses if evaluation.weights else []),
    ]


def check_plot(path: Path) -> None:
    """See that a picture can be written under this name.

    Raises:
        OutputError: It cannot.

    """
    if path.suffix.lower() not in WRITABLE:
        raise OutputError(path, f"a picture is written as one of {', '.join(WRITABLE)}")


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


@in_style
def draw(points: Sequence[Point], evaluation: Evaluation) -> Pixels:
    """(H, W, 3) uint8: the panels one below the other."""
    panels = _panels(evaluation)
    figure = new_figure(WIDTH, MARGIN + len(panels) * HEIGHT)
    figure.suptitle(f"{evaluation.output.name} against {evaluation.content.name}: {evaluation.frames} frames")
    axes = figure.subplots(len(panels), sharex=True)
    for each, panel in zip(axes, panels, strict=True):
        _draw_panel(each, panel, points)
    axes[-1].locator_params(axis="x", integer=True)
    axes[-1].set_xlabel("frame; a blue line is a cut")
    return to_pixels(figure)


def _draw_panel(axes: Axes, panel: Panel, points: Sequence[Point]) -> None:
    axes.set_title(panel.title)
    known = [v for point in points for line in panel.lines if (v := point.values[line.name]) is not None]
    if not known:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "nothing to measure", transform=axes.transAxes, ha="center", color=GRAY)
        return
    axes.set_ylim(*_limits(known))
    axes.vlines(list(_cuts(points)), 0, 1, transform=axes.get_xaxis_transform(), colors=CUT)
    for line in panel.lines:
        _draw_line(axes, line, list(_runs(points, line.name)))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(panel.lines), borderaxespad=0)


def _draw_line(axes: Axes, line: Line, runs: Sequence[Sequence[tuple[float, float]]]) -> None:
    """Draw stretches of points; a single one is a dot."""
    places = [place for run in runs for place in (*run, (math.nan, math.nan))]
    dots = [run[0] for run in runs if len(run) == 1]
    axes.plot([x for x, _ in places], [y for _, y in places], color=line.color, label=line.label)
    axes.plot([x for x, _ in dots], [y for _, y in dots], ".", color=line.color)


def _limits(known: Sequence[float]) -> tuple[float, float]:
    """The axis: from 0 or below to a little above the largest value, never of no length."""
    low, high = min(0.0, *known), max(0.0, *known)
    return (1.05 * low, 1.05 * high) if high - low > 1e-6 else (low, low + 1.0)


def _firsts(points: Sequence[Point]) -> list[int]:
    """The number of each point's first frame."""
    return list(accumulate((point.frames for point in points[:-1]), initial=0))


def _cuts(points: Sequence[Point]) -> Iterator[int]:
    for first, (before, point) in zip(_firsts(points)[1:], pairwise(points), strict=True):
        if point.shot != before.shot:
            yield first


def _runs(points: Sequence[Point], name: str) -> Iterator[list[tuple[float, float]]]:
    """The stretches of points that have a measure, within one shot, as (frame, value)."""
    run: list[tuple[float, float]] = []
    for n, (first, point) in enumerate(zip(_firsts(points), points, strict=True)):
        value = point.values[name]
        if run and (value is None or point.shot != points[n - 1].shot):
            yield run
            run = []
        if value is not None:
            run.append((first, value))
    if run:
        yield run
