"""The command: clips of other sizes and lengths, the files that it writes, and what it refuses."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.helpers import media
from tests.helpers.clips import H, W, mean, noisy, pan
from tests.test_cli import command, refusal
from videostyle.errors import AppearedError
from videostyle.frames import Span
from videostyle.measure.quality.evaluate import Request, evaluate
from videostyle.measure.quality.summary import NAMES


def test_an_output_of_another_size_is_measured_at_its_own(measured):
    larger = [cv2.resize(image, (W * 2, H * 2), interpolation=cv2.INTER_CUBIC) for image in pan(5)]
    found, _ = measured(pan(5), larger)
    assert found.size == (W * 2, H * 2)
    assert mean(found, "warp_error") < 0.005
    smaller = [cv2.resize(image, (W // 2, H // 2), interpolation=cv2.INTER_AREA) for image in pan(5)]
    assert mean(measured(pan(5), smaller)[0], "warp_error") < 0.01


def test_another_shape_is_told(measured, caplog):
    measured(pan(3), [cv2.resize(image, (H, H)) for image in pan(3)])
    assert "64x64" in caplog.text


@pytest.mark.parametrize(("content", "output"), [(6, 4), (4, 6)])
def test_unequal_lengths_are_told_and_the_common_part_is_measured(measured, caplog, content, output):
    found, frames = measured(pan(content), pan(output))
    assert (found.content_frames, found.output_frames, found.frames, len(frames)) == (content, output, 4, 4)
    assert f"CONTENT has {content} frames and OUTPUT {output}" in caplog.text


def test_an_output_of_a_range_is_held_against_that_range(measured, caplog):
    found, frames = measured(pan(8), pan(8)[3:6], span=Span(3, 6))
    assert [m.frame for m in frames] == [3, 4, 5]
    assert found.statistics["warp_error"].last < 0.002
    assert caplog.text == ""


def test_every_file_is_written_and_says_the_same(tmp_path, clip, style):
    output = media.write_clip(tmp_path / "out.mkv", noisy(media.panning(6), 5))
    files = {name: tmp_path / f"found.{name}" for name in ("json", "png", "mp4")}
    done = command(
        "evaluate", clip, output, "--long", 3, "--json", files["json"], "--plot", files["png"],
        "--heatmap", files["mp4"], "--style", style, "--weights", "builtin",
    )  # fmt: skip
    found = json.loads(files["json"].read_text())
    assert [frame["frame"] for frame in found["frames"]] == list(range(6))
    assert set(NAMES) <= set(found["frames"][0])
    errors = [frame["warp_error"] for frame in found["frames"][1:]]
    assert found["summary"]["statistics"]["warp_error"]["mean"] == pytest.approx(np.mean(errors), rel=1e-4)
    assert found["summary"]["ratios"]["warp_error"] > 1
    assert {"videostyle", "torch", "opencv"} <= set(found["versions"])
    assert f"{np.mean(errors):.4f}" in done.stdout
    assert "6 frames, 1 shot, 64x48" in done.stdout
    with Image.open(files["png"]) as picture:
        assert picture.width == 1200
        assert len(set(picture.convert("RGB").get_flattened_data())) > 20
    shown, times = media.shown(files["mp4"])
    assert len(shown) == 6
    assert times == media.shown(output)[1]
    assert not list(tmp_path.glob(".*"))


def test_a_measurement_that_breaks_off_leaves_no_file(tmp_path, clip):
    files = {"json": tmp_path / "a.json", "plot": tmp_path / "a.png", "heatmap": tmp_path / "a.mp4"}

    def stop(measures):
        assert any(path.name.startswith(".a.") and ".part" in path.name for path in tmp_path.iterdir())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(Request(content=clip, output=clip, **files), stop)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mkv"]


@pytest.mark.parametrize("kind", ["json", "plot", "heatmap"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_appears_during_a_measurement_stays_unless_it_may_be_overwritten(tmp_path, clip, kind, overwrite):
    path = tmp_path / {"json": "a.json", "plot": "a.png", "heatmap": "a.mp4"}[kind]
    request = Request(content=clip, output=clip, overwrite=overwrite, **{kind: path})
    with nullcontext() if overwrite else pytest.raises(AppearedError, match="appeared"):
        evaluate(request, lambda measures: path.write_text("someone's"))
    assert (path.read_bytes() == b"someone's") != overwrite
    assert {p.name for p in tmp_path.iterdir()} == {"clip.mkv", path.name}


def test_without_a_style_or_a_plot_neither_torch_nor_matplotlib_is_needed(tmp_path, clip):
    program = (
        "import sys; from pathlib import Path; from videostyle.measure.quality.evaluate import Request, evaluate;"
        "evaluate(Request(content=Path(sys.argv[1]), output=Path(sys.argv[1])));"
        "sys.exit(bool({'torch', 'matplotlib'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", program, clip], check=True, env=dict(os.environ))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{clip}"], "OUTPUT"),
        (["{clip}", "{dir}/none.mp4"], "none.mp4"),
        (["{dir}/none.mp4", "{clip}"], "none.mp4"),
        (["{clip}", "{clip}", "--long", "1"], "long"),
        (["{clip}", "{clip}", "--long", "far"], "long"),
        (["{clip}", "{clip}", "--flow", "raft"], "dis-fine"),
        (["{clip}", "{clip}", "--iterations", "3"], "iterations"),
        (["{clip}", "{clip}", "--frames", "9:12"], "range"),
        (["{clip}", "{clip}", "--style", "{clip}"], "clip.mkv"),
        (["{clip}", "{clip}", "--style", "{style}", "--weights", "{dir}/none.pth"], "none.pth"),
        (["{clip}", "{clip}", "--style", "{style}", "--weights", "builtin", "--device", "tpu"], "tpu"),
        (["{clip}", "{clip}", "--json", "{style}"], "--overwrite"),
        (["{clip}", "{clip}", "--json", "{clip}", "--overwrite"], "input"),
        (["{clip}", "{clip}", "--json", os.devnull, "--overwrite"], "pipe"),
        (["{clip}", "{clip}", "--json", "{dir}/none/found.json"], "directory"),
        (["{clip}", "{clip}", "--plot", "{dir}/found.pdf"], ".png"),
        (["{clip}", "{clip}", "--heatmap", "{dir}/found.txt"], ".mkv"),
        (["{clip}", "{clip}", "--plot", "{dir}/a.png", "--json", "{dir}/a.png"], "twice"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(clip, style, tmp_path, words, said):
    line = refusal("evaluate", *(word.format(clip=clip, style=style, dir=tmp_path) for word in words))
    assert line.startswith("videostyle: ")
    assert said in line
    assert {p.name for p in tmp_path.iterdir()} == {"clip.mkv", "style.png"}


def test_a_file_named_evaluate_is_still_a_file(style, tmp_path):
    with Image.open(style) as picture:
        picture.resize((32, 24)).save(tmp_path / "evaluate", format="png")
    assert "evaluate" in refusal(tmp_path / "evaluate", style, tmp_path / "out.png")  # read as a video, by its name
    assert "evaluate" in command("--help").stdout
    assert "--heatmap" in command("evaluate", "--help").stdout
    assert command("evaluate", style.with_name("none"), style, code=2).stdout == ""
