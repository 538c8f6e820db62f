"""The findings for a person, as a table, and for a program, as JSON."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import cv2
import numpy as np

from videostyle.measure.quality.compare import Measures, View
from videostyle.measure.quality.summary import Evaluation, Statistic, as_dict
from videostyle.media.files import create_part, publish_output

MELTING = 0.05  # share of a loss by which it may rise within a shot
SHARPENING = 0.15  # share of its detail that a shot may gain or lose
DRIFTING = 3.0  # levels of mean color beyond the content's own change
_HEAD = ("", "mean", "worst", "at frame", "last", "content", "ratio")


def table(evaluation: Evaluation) -> str:
    """A few lines to read in a terminal."""
    rows = [_HEAD, *(_row(evaluation, *row) for row in _rows(evaluation))]
    lines = [f"{row[0]:<24}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in rows]
    return "\n".join([_heading(evaluation), "", *lines, "", _footing(evaluation), verdict(evaluation)])


def verdict(evaluation: Evaluation) -> str:
    """Say in a sentence what becomes of a shot between its first frame and its last."""
    found = [*_losses_of_a_shot(evaluation), *_changes_of_looks(evaluation)]
    kept = "keeps its drawing, style, detail and light" if evaluation.weights else "keeps its detail and light"
    return f"{evaluation.output.name} {', '.join(found) or kept}."


def _losses_of_a_shot(evaluation: Evaluation) -> Iterator[str]:
    for name in ("drawing", "content", "style"):
        worst, at = _worst(evaluation, f"{name}_melt")
        if worst is not None and worst > 1 + MELTING:
            yield f"loses {worst - 1:.0%} of its {name} by frame {at}"


def _changes_of_looks(evaluation: Evaluation) -> Iterator[str]:
    detail, at = _worst(evaluation, "detail")
    if detail is not None and abs(detail - 1) > SHARPENING:
        yield f"{'gains' if detail > 1 else 'loses'} {abs(detail - 1):.0%} of its detail by frame {at}"
    drift, at = _worst(evaluation, "drift")
    if drift is not None and abs(drift) > DRIFTING:
        yield f"becomes {abs(drift):.0f} levels {'lighter' if drift > 0 else 'darker'} by frame {at}"


def _worst(evaluation: Evaluation, name: str) -> tuple[float | None, int | None]:
    found = evaluation.statistics[name]
    return found.worst, found.worst_frame


def _rows(evaluation: Evaluation) -> list[tuple[str, str, int]]:
    """Label, name and digits after the point."""
    rows = [
        ("warp error, 1 frame", "warp_error", 4),
        (f"warp error, {evaluation.long} frames", "long_error", 4),
        ("flicker, levels", "flicker", 2),
        ("drift, levels", "drift", 2),
        ("  red", "drift_red", 2),
        ("  green", "drift_green", 2),
        ("  blue", "drift_blue", 2),
        ("  along the motion", "drift_followed", 2),
        ("contrast drift, levels", "contrast_drift", 2),
        ("palette drift, levels", "palette_drift", 2),
        ("sharpness", "sharpness", 3),
        ("  over the content's", "detail", 3),
    ]
    losses = [
        ("style loss", "style_loss", 4),
        ("content loss", "content_loss", 4),
        ("drawing loss", "drawing_loss", 4),
        ("style, over first frame", "style_melt", 3),
        ("content, likewise", "content_melt", 3),
        ("drawing, likewise", "drawing_melt", 3),
    ]
    return rows + losses if evaluation.weights else rows


def _row(evaluation: Evaluation, label: str, name: str, digits: int) -> tuple[str, ...]:
    found = evaluation.statistics[name]
    floor = evaluation.statistics.get(f"{name}_content", Statistic())
    worst_frame = "-" if found.worst_frame is None else str(found.worst_frame)
    numbers = [_number(value, digits) for value in (found.mean, found.worst, found.last, floor.mean)]
    return (label, *numbers[:2], worst_frame, *numbers[2:], _number(evaluation.ratio(name), 2))


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _heading(evaluation: Evaluation) -> str:
    frames = "1 frame" if evaluation.frames == 1 else f"{evaluation.frames} frames"
    shots = "1 shot" if evaluation.shots == 1 else f"{evaluation.shots} shots"
    width, height = evaluation.size
    return f"{evaluation.output.name} against {evaluation.content.name}: {frames}, {shots}, {width}x{height}"


def _footing(evaluation: Evaluation) -> str:
    """What the numbers rest on."""
    shares = [evaluation.statistics[name].mean for name in ("warp_trusted", "long_trusted", "still")]
    trusted, far, still = ("-" if share is None else f"{share:.0%}" for share in shares)
    weights = f"; losses with {evaluation.weights}" if evaluation.weights else ""
    return (
        f"trusted: {trusted} of the picture over 1 frame, {far} over {evaluation.long}; standing still: {still}; "
        f"flow {evaluation.flow}{weights}"
    )


class JsonFile:
    """One JSON object, written frame by frame: `{"frames": [...], "summary": {...}, "versions": {...}}`.

    A context manager; the file appears when it is complete.

    Args:
        path: Where.
        replace: Take the place of a file that is there.

    """

    def __init__(self, path: Path, *, replace: bool) -> None:
        self._path, self._replace = path, replace

    def __enter__(self) -> Self:
        self._part = create_part(self._path)
        self._file = self._part.open("w", encoding="utf-8")
        self._file.write('{"frames": [')
        self._separator = "\n"
        return self

    def write(self, view: View, measures: Measures) -> None:
        self._file.write(self._separator + _json(asdict(measures)))
        self._separator = ",\n"

    def close(self, evaluation: Evaluation) -> None:
        """Add the summary and give the file its name."""
        closing = {"summary": as_dict(evaluation), "versions": versions(torch=evaluation.weights is not None)}
        self._file.write("\n],\n" + _json(closing)[1:] + "\n")
        self._file.close()
        publish_output(self._part, self._path, replace=self._replace)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)


def versions(*, torch: bool) -> dict[str, str]:
    """What was measured with."""
    found = {
        "videostyle": version("videostyle"),
        "python": platform.python_version(),
        "av": av.__version__,
        "opencv": cv2.__version__,
        "numpy": np.__version__,
    }
    return {**found, "torch": version("torch")} if torch else found


def _json(value: Any) -> str:
    return json.dumps(rounded(value), allow_nan=False)


def rounded(value: Any) -> Any:
    """Six significant digits are more than a measure has."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
