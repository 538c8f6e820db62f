"""What `bench` counts and reports; how long anything takes is never asserted."""

import json
import runpy
import time
from dataclasses import fields, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from tests.test_cli import command, refusal
from videostyle.errors import AppearedError, InputError
from videostyle.measure.speed import bench, job
from videostyle.measure.speed.bench import Bench, LeftOut, Request, Row, job_row, parse_size, step_row
from videostyle.measure.speed.isolated import peak_memory, run_isolated
from videostyle.measure.speed.job import PAN, Job, Performance, Start, measure_job, standard_clip
from videostyle.measure.speed.report import as_dict, table, write_json
from videostyle.measure.speed.roofline import Roofline, drift, higher, measure_roofline
from videostyle.measure.speed.step import (
    BLANK,
    Case,
    Step,
    blank_network,
    count_operations,
    measure_step,
    measure_steps,
    standard_objective,
)
from videostyle.motion.flow import METHODS, estimate
from videostyle.render.timing import BEHIND, LINE, StageTimer, overlap
from videostyle.settings import Settings
from videostyle.style.device import prepare
from videostyle.style.features.layers import depth
from videostyle.style.features.vgg import VGG19, shapes
from videostyle.style.features.weights import load
from videostyle.style.objective.look import Look, Style
from videostyle.style.objective.terms import Objective
from videostyle.style.optimize.iterate import Iterate
from videostyle.style.optimize.minimize import minimize

CEILINGS = Roofline("cpu", "a machine", 2, {"fp32": 2e11}, 1e10)
PERFORMANCE = Performance(2.0, 1.0, {"optimize": 1.5}, None, 100.0, 1 << 30)


def operations_by_hand(width, height):
    """Each convolution forward and back, and for each Gram matrix one product forward and one back."""
    total = 0
    for name, (outputs, inputs, *_) in shapes().items():
        if depth(f"relu{name}") > depth("relu5_1"):
            break
        places = (width >> int(name[0]) - 1) * (height >> int(name[0]) - 1)
        total += 2 * 2 * 9 * inputs * outputs * places
        total += 2 * 2 * outputs**2 * places if name.endswith("_1") else 0
    return total


@pytest.mark.parametrize("size", [(64, 48), (256, 144)])
def test_the_operations_of_a_step_are_those_counted_by_hand(size):
    width, height = size
    assert count_operations(Case(width, height)) == operations_by_hand(width, height)
    assert operations_by_hand(width, height) / (width * height) == pytest.approx(1.445e6 + 0.070e6, rel=1e-3)


def test_the_optimizer_and_the_precision_do_not_change_the_count():
    counts = {
        count_operations(Case(64, 48, optimizer=o, precision=p)) for o in ("lbfgs", "adam") for p in ("fp32", "fp16")
    }
    assert len(counts) == 1


def test_ceilings_are_positive():
    found = measure_roofline("cpu", seconds=0.01, width=64)
    assert set(found.gemm) == {"fp32"}
    assert found.gemm["fp32"] > 0
    assert found.copy > 0
    assert found.name


def test_of_two_measurements_of_a_ceiling_the_higher_counts():
    busy = Roofline("cpu", "a machine", 2, {"fp32": 1.5e11}, 2e10)
    assert higher(CEILINGS, busy) == Roofline("cpu", "a machine", 2, {"fp32": 2e11}, 2e10)
    assert drift(CEILINGS, busy) == drift(busy, CEILINGS) == pytest.approx(0.25)
    assert drift(busy, busy) == 0


def test_a_step_is_measured_and_set_beside_the_ceiling():
    case = Case(48, 32, optimizer="adam")
    step = measure_step(case, chunk=1, warm=1)
    assert step.seconds > 0
    assert step.memory > 1 << 20
    row = step_row(case, Step(0.5, 10**10, 1 << 30), CEILINGS)
    assert row.share_of_gemm == pytest.approx(0.1)
    assert row.fps == pytest.approx(1 / (0.5 * Settings().iterations))


def test_the_standard_clip_moves_as_it_says():
    before, now = standard_clip(128, 96, 2)
    flow = estimate(before, now, METHODS["dis-fine"]).flow
    assert np.median(flow[70:90, 60:110, 0]) == pytest.approx(PAN, abs=0.3)
    np.testing.assert_array_equal(list(standard_clip(128, 96, 2))[1], now)


def test_the_stages_of_a_job_add_up():
    job = Job(48, 32, 3, iterations=1, first_iterations=2)
    found = measure_job(job)
    assert set(found.stages) == {"decode", "flow", *LINE, *BEHIND}
    assert all(seconds >= 0 for seconds in found.stages.values())
    line = sum(found.stages[name] for name in LINE)
    assert 0.5 * found.seconds < line <= found.seconds
    assert found.stages["decode"] + found.stages["flow"] <= found.seconds
    assert found.stages["encode"] <= found.seconds
    assert 0 <= found.overlap <= 1
    assert found.work == pytest.approx(2 + 2)
    row = job_row(job, found, 10**9, CEILINGS)
    assert row.fps == pytest.approx(3 / found.seconds)
    assert row.following_fps == pytest.approx(2 / (found.seconds - found.first_seconds))


def test_a_stage_does_not_count_what_another_one_counts():
    stages = StageTimer()

    def slow(items):
        for item in items:
            time.sleep(0.02)
            yield item

    list(stages.timed("flow", slow(stages.timed("decode", slow(range(3)))), within="decode"))
    found = stages.seconds
    assert found["decode"] >= 0.06
    assert found["flow"] >= 0.06
    began = time.perf_counter()
    with stages.timing("encode"):
        time.sleep(0.01)
    assert stages.seconds["encode"] <= time.perf_counter() - began


def test_what_is_handed_on_counts_until_the_next_is_asked_for():
    stages = StageTimer()
    for _ in stages.handing("hold", stages.timed("optimize", range(3))):
        time.sleep(0.02)
    assert stages.seconds["hold"] >= 0.06
    assert stages.seconds["optimize"] < 0.02


def test_overlap_is_what_was_not_waited_for():
    assert overlap({"decode": 1.0, "flow": 3.0, "wait": 1.0}) == 0.75
    assert overlap({"decode": 1.0, "flow": 1.0, "encode": 2.0, "wait": 0.5, "hold": 0.5}) == 0.75
    assert overlap({"decode": 1.0, "wait": 1.5}) == 0
    assert overlap({}) is None


def test_stages_close_what_they_time():
    closed = []

    def source():
        try:
            yield from range(5)
        finally:
            closed.append(True)

    items = StageTimer().timed("decode", source())
    next(items)
    items.close()
    assert closed


def _held(count):
    return len(np.ones(count)), peak_memory()


def test_a_process_of_its_own_has_a_peak_of_its_own():
    ballast = np.ones(60 << 20)  # 480 MB here
    count, peak = run_isolated(_held, 10)
    assert count == 10
    assert peak < peak_memory()
    assert peak_memory() > ballast.nbytes
    with pytest.raises(ZeroDivisionError):
        run_isolated(divmod, 1, 0)


def made_up():
    step = step_row(Case(64, 48), Step(0.1, 10**9, 1 << 28), CEILINGS)
    start = Start(0.2, 0.3, 2.0)
    begun = Bench("2020-01-02T03:04:05+00:00", None, CEILINGS)
    found = begun.with_row(step).with_row(LeftOut("job", 64, 48, "no time"))
    return replace(found, drift=0.0, start=start)


def test_the_file_has_every_field_of_every_row_and_what_it_rests_on(tmp_path):
    write_json(tmp_path / "b.json", made_up(), replace=False)
    found = json.loads((tmp_path / "b.json").read_text())
    assert set(found) == {"date", "machine", "versions", "ceilings", "rows", "left_out", "start"}
    assert set(found["rows"][0]) == {f.name for f in fields(Row)}
    assert {"share_of_gemm", "seconds_per_iteration", "fps", "peak_memory_bytes"} <= set(found["rows"][0])
    assert {"torch", "videostyle", "python"} <= set(found["versions"])
    assert {"name", "cores", "device"} <= set(found["machine"])
    assert [p.name for p in tmp_path.iterdir()] == ["b.json"]
    assert as_dict(made_up())["start"]["version"] == 0.2


def test_the_table_says_what_was_left_out():
    lines = table(made_up()).splitlines()
    assert any("64x48" in line and "5%" in line for line in lines)
    assert "left out: job at 64x48, no time" in lines


def test_the_report_is_made_from_the_files_alone(tmp_path, capsys):
    made = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "make_report.py"))
    assert made["main"](tmp_path) == 1
    assert "no results" in capsys.readouterr().out
    (tmp_path / "results").mkdir()
    write_json(tmp_path / "results" / "b.json", made_up(), replace=False)
    assert made["main"](tmp_path) == 0
    assert "| 64×48 lbfgs fp32 | 100 | 5% | 256 |" in (tmp_path / "results.md").read_text()
    drawn = ElementTree.parse(tmp_path / "steps.svg")
    assert any("5%, 100 ms" in (text.text or "") for text in drawn.iter("{http://www.w3.org/2000/svg}text"))


def test_a_report_without_steps_has_no_bars_but_its_words(tmp_path):
    made = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "make_report.py"))
    (tmp_path / "results").mkdir()
    write_json(tmp_path / "results" / "b.json", replace(made_up(), rows=()), replace=False)
    assert made["main"](tmp_path) == 0
    assert "## " in (tmp_path / "results.md").read_text()
    assert not (tmp_path / "steps.svg").exists()


def test_a_report_of_speed_takes_the_place_of_no_file_that_appeared(tmp_path):
    (tmp_path / "b.json").write_text("someone's")
    with pytest.raises(AppearedError, match="appeared"):
        write_json(tmp_path / "b.json", made_up(), replace=False)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"b.json": "someone's"}


@pytest.mark.parametrize("text", ["640", "640x361", "16x16", "x", "640x", "-64x48"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InputError, match="size"):
        parse_size(text)


def test_a_quick_run_of_the_command(tmp_path):
    done = command("bench", "--quick", "--sizes", "32x32", "--json", tmp_path / "b.json")
    found = json.loads((tmp_path / "b.json").read_text())
    assert {(row["kind"], row["optimizer"]) for row in found["rows"]} >= {
        ("step", "lbfgs"),
        ("step", "adam"),
        ("job", "lbfgs"),
    }
    assert all(row["share_of_gemm"] > 0 and row["fps"] > 0 and row["peak_memory_bytes"] > 0 for row in found["rows"])
    assert "ceilings: matrix product" in done.stdout
    assert "exists" in refusal("bench", "--json", tmp_path / "b.json")
    assert "no directory" in refusal("bench", "--json", tmp_path / "none" / "b.json")
    assert "tpu" in refusal("bench", "--device", "tpu")


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_a_request_for_sizes_measures_just_these(kind):
    effort = Request(sizes=((64, 48),), quick=True).effort_on(kind)
    assert effort.sizes == effort.job_sizes == ((64, 48),)


@pytest.mark.parametrize(("quick", "processes"), [(True, 4), (False, 12)])
def test_a_quick_run_starts_cuda_few_times(monkeypatch, quick, processes):
    """Each process that touches a GPU takes seconds to start."""
    started = []
    ceilings = Roofline("cuda", "made up", 1, dict.fromkeys(("fp32", "fp16", "bf16"), 1e12), 1e9)
    answers = {measure_roofline: ceilings, measure_steps: [None] * 7, measure_job: PERFORMANCE}

    def isolated(work, *args, **kwargs):
        started.append(work)
        return answers[getattr(work, "func", work)]

    def command(words, **kwargs):
        started.extend(["a frame"] if "--device" in words else [])

    monkeypatch.setattr(bench, "choose_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(bench, "run_isolated", isolated)
    monkeypatch.setattr(job.subprocess, "run", command)
    *_, found = bench.bench(Request(device="cuda", quick=quick))
    assert len(started) == processes
    assert found.start is not None
    assert (found.drift is None) == quick


def test_the_first_of_several_starts_does_not_count(monkeypatch):
    times = iter([9.0, 1.0, 3.0, 2.0])
    monkeypatch.setattr(job, "_seconds", lambda words: next(times))
    assert job._command(["--version"], 3) == 2
    assert job._command(["--version"], 1) == 2


@pytest.mark.gpu
def test_a_gpu_is_measured_in_every_precision():
    found = measure_roofline("cuda", seconds=0.05, width=1024)
    assert set(found.gemm) == {"fp32", "fp16", "bf16"}
    assert min(found.gemm.values()) > 0
    step = run_isolated(measure_step, Case(64, 48, "cuda", precision="fp16"), chunk=2, warm=2)
    assert 0 < step.memory < torch.cuda.get_device_properties(0).total_memory


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("loss", ["centred", "sliced"])
def test_no_step_asks_the_device_for_a_value(optimizer, loss):
    """Tensors without values refuse to tell them, so that whatever would wait for a GPU fails here."""
    image, objective = standard_objective(Case(64, 48), blank_network(), BLANK)
    content, style = torch.empty(2, 1, 3, 48, 64, device=BLANK)
    settings = Settings(style_loss=loss)
    terms = Look(settings, [Style(style, 1.0, 1.0)], content).terms(objective.network, content, ())
    walk = minimize(
        Iterate(image), Objective(objective.network, terms), iterations=13, optimizer=optimizer, ema_decay=0.5
    )
    assert walk.image.shape == image.shape
    with pytest.raises(RuntimeError):
        float(walk.loss)


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_no_step_waits_for_the_gpu(optimizer):
    device = torch.device("cuda")
    built = load("builtin", ["relu5_1"])
    network = VGG19(built.tensors, built.pooling, device, dtype=torch.float16)
    image, objective = standard_objective(Case(64, 48, "cuda", precision="fp16"), network, device)
    minimize(Iterate(image), objective, iterations=2, optimizer=optimizer)
    try:
        torch.cuda.set_sync_debug_mode("error")
        minimize(Iterate(image), objective, iterations=12, optimizer=optimizer)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
def test_a_gpu_computes_float32_in_float32():
    prepare(torch.device("cuda"))
    image, weight = torch.rand(1, 64, 32, 32), torch.rand(64, 64, 3, 3)
    exact = torch.nn.functional.conv2d(image.double(), weight.double())
    found = torch.nn.functional.conv2d(image.cuda(), weight.cuda()).cpu().double()
    assert ((found - exact).abs() / exact).max() < 1e-5


def test_what_was_cut_off_is_told_with_the_rows_that_there_are(tmp_path):
    begun = replace(made_up(), start=None, drift=None)
    write_json(tmp_path / "b.json", begun, replace=True)
    assert json.loads((tmp_path / "b.json").read_text())["start"] is None
    assert "drift -" in table(begun)
    assert not any(line.startswith("start") for line in table(begun).splitlines())
