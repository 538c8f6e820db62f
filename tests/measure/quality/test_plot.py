"""The measures over time, as one picture."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from videostyle.measure.quality.compare import Measures
from videostyle.measure.quality.plot import MOST, PlotFile, Point, _cuts, _runs, draw
from videostyle.measure.quality.summary import NAMES, Evaluation


def measures(frame, shot, **values):
    return Measures(frame=frame, seconds=frame / 24, shot=shot, **(dict.fromkeys(NAMES) | values))


def test_a_plot_of_a_long_video_keeps_few_points_and_every_peak(tmp_path):
    plot = PlotFile(tmp_path / "plot.png", replace=False)
    for t in range(5 * MOST):
        plot.write(None, measures(t, t // MOST, warp_error=0.9 if t == 777 else 0.1))
    assert len(plot._points) <= MOST
    assert sum(point.frames for point in plot._points) == 5 * MOST
    assert max(point.values["warp_error"] for point in plot._points) == 0.9


def test_a_plot_is_the_same_each_time_and_a_cut_parts_its_lines(tmp_path):
    points = [Point(1, t // 3, dict.fromkeys(NAMES) | {"warp_error": t / 10}) for t in range(6)]
    evaluation = Evaluation(
        content=Path("in.mkv"), output=Path("out.mkv"), size=(64, 48), frames=6, content_frames=6, output_frames=6,
        shots=2, long=3, flow="dis-fine", weights=None, statistics={},
    )  # fmt: skip
    np.testing.assert_array_equal(draw(points, evaluation), draw(points, evaluation))
    assert [[x for x, _ in run] for run in _runs(points, "warp_error")] == [[0, 1, 2], [3, 4, 5]]
    assert list(_cuts(points)) == [3]


def test_a_plot_without_matplotlib_says_what_to_install(tmp_path, clip):
    program = (
        "import sys; sys.modules['matplotlib'] = None; from videostyle.cli import main;"
        "main(['evaluate', sys.argv[1], sys.argv[1], '--plot', sys.argv[2]])"
    )
    words = [sys.executable, "-c", program, clip, tmp_path / "a.png"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'videostyle[plot]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mkv"]
