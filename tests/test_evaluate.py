"""What is measured, against clips whose motion and faults are known exactly."""

import json
import math
import os
import subprocess
import sys
import weakref
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.helpers import media
from tests.test_cli import command, refusal
from videostyle.errors import AppearedError
from videostyle.frames import Frame, Motion, Span
from videostyle.measure.quality import formulas
from videostyle.measure.quality.compare import Comparison, Measures, Pair, compare
from videostyle.measure.quality.evaluate import Request, evaluate
from videostyle.measure.quality.heatmap import DOUBT, heat
from videostyle.measure.quality.plot import MOST, PlotFile, Point, _cuts, _runs, draw
from videostyle.measure.quality.report import verdict
from videostyle.measure.quality.summary import NAMES, Evaluation, Statistic
from videostyle.motion.flow import METHODS

W, H = 96, 64


@pytest.fixture
def measured(tmp_path):
    """Write both clips without loss and evaluate them: (evaluation, measures of every frame)."""

    def run(content, output, **request):
        media.write_clip(tmp_path / "content.mkv", content, sound=None)
        media.write_clip(tmp_path / "output.mkv", output, sound=None)
        found = []
        words = {"content": tmp_path / "content.mkv", "output": tmp_path / "output.mkv", **request}
        return evaluate(Request(**words), found.append), found

    return run


def still(count, seed=0):
    return [media.texture(W, H, seed)] * count


def pan(count, step=2, seed=0):
    return media.panning(count, W, H, step, seed)


def shifted(images, levels):
    """Every frame `levels(t)` brighter."""
    return [np.clip(image.astype(float) + levels(t), 0, 255).round().astype(np.uint8) for t, image in enumerate(images)]


def soft(images):
    """With room for noise and shifts below white and above black."""
    return [(image * 0.6 + 40).astype(np.uint8) for image in images]


def noisy(images, deviation, seed=0):
    rng = np.random.default_rng(seed)
    return [np.clip(image + rng.normal(0, deviation, image.shape), 0, 255).round().astype(np.uint8) for image in images]


def mean(evaluation, name):
    return evaluation.statistics[name].mean


# --- warp error


def test_an_output_that_moves_exactly_has_nearly_no_error(measured):
    other = [255 - image for image in pan(6, seed=5)]  # not the content's picture, only its motion
    found, frames = measured(pan(6), other)
    assert mean(found, "warp_error") < 0.004
    assert mean(found, "warp_error_content") < 0.002
    assert mean(found, "warp_trusted") > 0.9
    assert frames[0].warp_error is None
    assert found.statistics["warp_error"].count == 5


def test_independent_noise_has_the_error_of_two_noises(measured):
    found, _ = measured(still(5), noisy(soft(still(5)), 8))
    assert mean(found, "warp_error") == pytest.approx(8 * math.sqrt(2) / 255, rel=0.03)
    assert mean(found, "warp_error_content") == 0
    assert found.ratio("warp_error") is None  # over nothing
    moving, _ = measured(pan(5), noisy(soft(pan(5)), 8))
    assert mean(moving, "warp_error") == pytest.approx(8 * math.sqrt(2) / 255, rel=0.08)
    assert moving.ratio("warp_error") > 10


@pytest.mark.parametrize("other", [pan(6)[::-1], pan(6, step=1), still(6)], ids=["backwards", "at half speed", "not"])
def test_an_output_that_moves_otherwise_is_caught(measured, other):
    found, _ = measured(pan(6), other)
    assert mean(found, "warp_error") > 0.02
    assert mean(found, "warp_error_content") < 0.002


def test_a_thing_that_moved_right_is_found_where_it_came_from():
    before = formulas.picture(media.texture(W, H))
    now = np.roll(before, 10, axis=1)
    flow = np.zeros((H, W, 2), np.float32)
    for dx, least, most in ((-10, 0, 1e-6), (10, 0.05, 1), (-5, 0.05, 1)):  # right; wrong sign; half
        flow[..., 0] = dx
        error = np.abs(formulas.difference(now, before, flow))[:, 20:-20].mean()
        assert least <= error <= most


def test_only_what_is_trusted_counts():
    apart = np.zeros((4, 4, 3), np.float32)
    mask = np.ones((4, 4), np.float32)
    apart[:, 0], mask[:, 0] = 0.9, 0.0  # wrong, and known to be
    assert formulas.warp_error(apart, mask) == 0
    assert formulas.warp_error(apart, 1 - mask) == pytest.approx(0.9)
    assert formulas.warp_error(apart, np.ones_like(mask)) == pytest.approx(0.45)  # a quarter of 0.81, its root
    assert formulas.bias(apart, np.ones_like(mask)) == pytest.approx(0.225 * 255)
    assert formulas.warp_error(apart, 0 * mask) is None


def disc_over_a_still_ground(count):
    """(frames, where the disc is in each); it moves 5 pixels right a frame."""
    ground, skin = media.texture(160, 96, seed=1), media.texture(160, 96, seed=2)
    places = [cv2.circle(np.zeros((96, 160), np.uint8), (40 + 5 * t, 48), 16, 1, -1) > 0 for t in range(count)]
    frames = [ground.copy() for _ in range(count)]
    for t, (frame, place) in enumerate(zip(frames, places, strict=True)):
        frame[place] = np.roll(skin, 5 * t, axis=1)[place]
    return frames, places


def test_what_comes_to_light_does_not_count_but_the_rest_does(measured):
    frames, places = disc_over_a_still_ground(5)
    fresh, old = [f.copy() for f in frames], [f.copy() for f in frames]
    for t in range(1, 5):
        uncovered = cv2.erode((places[t - 1] & ~places[t]).astype(np.uint8), np.ones((3, 3))) > 0
        fresh[t][uncovered] = 255
        old[t][20 : 20 + t, 110:140] = 255
    at_uncovered, at_ground = (mean(measured(frames, bad)[0], "warp_error") for bad in (fresh, old))
    floor = mean(measured(frames, frames)[0], "warp_error")
    assert at_uncovered < floor + 0.021
    assert at_ground > floor + 0.021


def test_the_long_range_sees_what_adds_up(measured):
    found, frames = measured(still(7), shifted(soft(still(7)), lambda t: -2 * t), long=4)
    assert mean(found, "warp_error") == pytest.approx(2 / 255, rel=1e-3)
    assert mean(found, "long_error") == pytest.approx(8 / 255, rel=1e-3)
    assert [m.long_error is None for m in frames] == [True] * 4 + [False] * 3


# --- flicker, drift, sharpness


def test_a_flicker_is_told_in_levels_and_the_content_has_none(measured):
    found, _ = measured(still(6), shifted(soft(still(6)), lambda t: 4 * (-1) ** t))
    assert mean(found, "flicker") == pytest.approx(8, rel=1e-4)
    assert mean(found, "flicker_content") == 0
    assert mean(found, "still") == 1
    assert found.statistics["drift"].worst == pytest.approx(-8, abs=1e-3)


def test_noise_flickers_by_its_mean_absolute_difference(measured):
    found, _ = measured(still(5), noisy(soft(still(5)), 8))
    assert mean(found, "flicker") == pytest.approx(2 * 8 / math.sqrt(math.pi), rel=0.03)


def test_nothing_flickers_where_all_of_it_moves(measured):
    found, frames = measured(pan(4), pan(4))
    assert found.statistics["flicker"].count == 0
    assert frames[2].still < formulas.ENOUGH


def test_a_darkening_output_drifts_by_its_levels(measured):
    found, frames = measured(still(6), shifted(soft(still(6)), lambda t: np.array([-3.0, -1.0, 1.0]) * t))
    assert [frames[5].drift_red, frames[5].drift_green, frames[5].drift_blue] == pytest.approx([-15, -5, 5])
    assert found.statistics["drift"].last == pytest.approx(-5)
    assert found.statistics["drift_followed"].last == pytest.approx(-5)
    assert abs(found.statistics["drift"].worst) == pytest.approx(5)
    assert found.statistics["palette_drift"].last > 5


def test_what_enters_the_picture_is_no_drift_along_the_motion(measured):
    inverted = [(220 - 0.7 * image).astype(np.uint8) for image in pan(8, step=4)]
    _, frames = measured(pan(8, step=4), shifted(inverted, lambda t: -t))
    assert frames[-1].drift_followed == pytest.approx(-7, abs=0.5)


def test_a_fade_of_the_content_is_not_held_against_the_output(measured):
    to_black = shifted(soft(still(6)), lambda t: -4 * t)
    _, frames = measured(to_black, shifted(to_black, lambda t: 30))
    assert frames[-1].drift == pytest.approx(0, abs=1e-3)
    assert frames[-1].palette_drift == pytest.approx(0, abs=1e-3)
    assert frames[-1].contrast_drift == pytest.approx(0, abs=1e-3)


def test_an_output_that_stays_where_the_content_s_light_changes_has_not_drifted(measured):
    fading = shifted(soft(still(6)), lambda t: -4 * t)
    _, frames = measured(fading, soft(still(6)))
    assert frames[-1].drift == pytest.approx(0, abs=1e-3)
    _, frames = measured(fading, shifted(soft(still(6)), lambda t: -6 * t))
    assert frames[-1].drift == pytest.approx(-10, abs=1e-3)


def test_a_shot_that_melts_is_told_in_a_sentence(measured, tmp_path):
    def blurred(t):
        return cv2.GaussianBlur(media.texture(W, H), (0, 0), 0.1 + 0.8 * t)

    Image.fromarray(media.texture(80, 60, seed=7)).save(tmp_path / "s.png")
    styled = {"styles": (tmp_path / "s.png",), "weights": "builtin", "device": "cpu"}
    found, frames = measured(still(5), [blurred(t) for t in range(5)], **styled)
    assert verdict(found).startswith("output.mkv loses ")
    assert "of its detail by frame 4" in verdict(found)
    assert frames[0].drawing_melt is None or frames[0].drawing_melt == 1
    brighter = shifted(soft(still(5)), lambda t: 2 * t)
    found, frames = measured(still(5), brighter, **styled)
    assert "becomes 8 levels lighter by frame 4" in verdict(found)
    inverted = [255 - image for image in still(5)]
    worse = [
        cv2.addWeighted(a, 1 - 0.2 * t, b, 0.2 * t, 0) for t, (a, b) in enumerate(zip(inverted, pan(5), strict=True))
    ]
    found, frames = measured([255 - image for image in still(5)], inverted, **styled)
    assert verdict(found) == "output.mkv keeps its drawing, style, detail and light."
    found, frames = measured([cv2.GaussianBlur(i, (0, 0), 0.8) for i in inverted], worse, **styled)
    assert frames[4].drawing_melt > 1.2
    assert "of its drawing by frame" in verdict(found)


def test_flattening_is_told_as_contrast(measured):
    image = soft(still(1))[0]
    flat = [(128 + (image.astype(float) - 128) * (1 - 0.1 * t)).round().astype(np.uint8) for t in range(5)]
    _, frames = measured(still(5), flat)
    luma = (image @ np.array([0.2126, 0.7152, 0.0722])).std()
    assert frames[4].contrast_drift == pytest.approx(-0.4 * luma, abs=0.3)


def test_blur_is_told_as_sharpness(measured):
    image = media.texture(W, H)
    blurred = [image] + [cv2.GaussianBlur(image, (0, 0), 0.8 * t) for t in range(1, 5)]
    found, frames = measured(still(5), blurred)
    sharpness = [m.sharpness for m in frames]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] == 1
    assert sharpness[-1] < 0.3
    assert mean(found, "sharpness_content") == 1
    assert found.statistics["sharpness"].worst_frame == 4


def test_laplacian_energy_by_hand():
    luma = np.zeros((5, 5), np.float32)
    luma[2, 2] = 1
    assert formulas.laplacian_energy(luma) == pytest.approx((16 + 4) / 25)


def test_palettes_are_as_far_apart_as_their_colors():
    to_black = np.full((8, 8, 3), 0.2, np.float32)
    apart = np.abs(formulas.palette(to_black + np.float32(0.1)) - formulas.palette(to_black)).mean(-1)
    assert apart[np.isclose(formulas.DIRECTIONS.max(1), 1)] == pytest.approx([25.5] * 3)  # along one channel
    shuffled = np.random.default_rng(0).permutation(formulas.picture(media.texture(W, H)).reshape(-1, 3))
    same = formulas.palette(shuffled.reshape(H, W, 3)) - formulas.palette(formulas.picture(media.texture(W, H)))
    assert np.abs(same).max() < 1e-3
    assert len(formulas.DIRECTIONS) == 13


# --- the stream


def test_no_measure_crosses_a_cut(measured):
    content = pan(7, seed=1) + [255 - image for image in pan(7, seed=9)]
    output = shifted(soft(content), lambda t: 25 * (t >= 7))
    found, frames = measured(content, output, long=3)
    assert found.shots == 2
    assert [m.shot for m in frames] == [0] * 7 + [1] * 7
    assert [m.frame for m in frames if m.warp_error is None] == [0, 7]
    assert [m.frame for m in frames if m.long_error is None] == [0, 1, 2, 7, 8, 9]
    assert found.statistics["warp_error"].worst < 0.01
    assert (frames[7].drift, frames[7].drift_followed, frames[7].sharpness) == (0, 0, 1)
    assert max(abs(m.drift_followed) for m in frames) < 0.5


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


def test_no_more_frames_are_kept_than_the_long_range_needs():
    alive: weakref.WeakSet[Frame] = weakref.WeakSet()

    def pairs():
        for t in range(24):
            frames = [Frame(np.full((16, 16, 3), t, np.uint8), t, Fraction(1, 24), 1, t) for _ in range(2)]
            alive.update(frames)
            yield Pair(*frames, fresh=t == 0)

    most = max(len(alive) for _ in compare(pairs(), 4, METHODS["dis-fast"]))
    assert most <= 2 * 6


def test_a_statistic_by_hand():
    found = Statistic()
    for frame, value in enumerate([1.0, -3.0, 2.0]):
        found = found.add(value, frame, ideal=0.0)
    assert found == Statistic(3, 0.0, pytest.approx(math.sqrt(14 / 3)), -3.0, 1, 2.0)
    assert Statistic().add(1.5, 0, ideal=1.0).add(0.2, 1, ideal=1.0).worst == 0.2


# --- losses


def test_style_and_content_losses_are_zero_for_themselves(measured, tmp_path):
    style = media.texture(W, H, seed=7)
    cv2.imwrite(str(tmp_path / "style.png"), style[..., ::-1])
    words = {"styles": (tmp_path / "style.png",), "weights": "builtin", "flow": "dis-fast"}
    found, frames = measured([media.texture(W, H)] * 2, [style, media.texture(W, H)], **words)
    assert found.weights == "builtin-1"
    assert frames[0].style_loss == pytest.approx(0, abs=1e-6)
    assert frames[0].content_loss > 0.5
    assert frames[1].content_loss == pytest.approx(0, abs=1e-6)
    assert frames[1].style_loss == pytest.approx(frames[1].style_loss_content)
    assert frames[1].style_loss > 0.01


# --- files and words


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


def test_the_heatmap_is_red_where_it_flickers_and_blue_where_nothing_is_known():
    output = np.full((8, 8, 3), 100, np.uint8)
    apart, mask = np.zeros((8, 8, 3), np.float32), np.ones((8, 8), np.float32)
    apart[:2], mask[6:] = 0.1, 0
    shown = heat(output, Comparison(Motion(np.zeros((8, 8, 2), np.float32), mask), apart, apart)).astype(int)
    assert shown[0, 0].argmax() == 0
    assert shown[0, 0, 0] > 150
    assert np.ptp(shown[4, 4]) == 0
    assert shown[7, 7].argmax() == DOUBT.argmax() == 2
    assert (heat(output, None).argmax(-1) == 2).all()


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


def test_without_a_style_or_a_plot_neither_torch_nor_matplotlib_is_needed(tmp_path, clip):
    program = (
        "import sys; from pathlib import Path; from videostyle.measure.quality.evaluate import Request, evaluate;"
        "evaluate(Request(content=Path(sys.argv[1]), output=Path(sys.argv[1])));"
        "sys.exit(bool({'torch', 'matplotlib'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", program, clip], check=True, env=dict(os.environ))


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
