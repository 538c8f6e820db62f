"""What only a GPU can show: `benchmarks/gpu.sh` runs these and the bench in one call."""

import logging
from fractions import Fraction
from typing import get_args

import numpy as np
import pytest
import torch

from tests.helpers import media
from tests.test_cli import command
from videostyle.frames import Frame, TrackedFrame
from videostyle.measure.speed.isolated import run_isolated
from videostyle.measure.speed.step import Case, standard_objective
from videostyle.motion.follow import follow_motion
from videostyle.settings import Settings, StyleLoss
from videostyle.style.cuda_graph import GraphCache, recorder
from videostyle.style.features import weights
from videostyle.style.features.vgg import VGG19
from videostyle.style.objective import losses
from videostyle.style.objective.look import Look, Style
from videostyle.style.objective.terms import Objective
from videostyle.style.optimize.iterate import Iterate, evaluate
from videostyle.style.optimize.minimize import minimize
from videostyle.style.pixels import to_tensor
from videostyle.style.stylizer import Stylizer

pytestmark = pytest.mark.gpu

STYLE = media.texture(80, 60, seed=7)[..., ::-1].copy()


def network_on(device, dtype):
    built = weights.load("builtin", ["relu5_1"])
    return VGG19(built.tensors, built.pooling, device, dtype=dtype)


def standard(precision, size=(96, 64)):
    case, device = Case(*size, "cuda", precision=precision), torch.device("cuda")
    dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
    return standard_objective(case, network_on(device, dtype), device)


def painted(precision, **how):
    """The terms of a picture with areas and edges: over noise, rounding is as large as what is measured."""
    device = torch.device("cuda")
    image, content, style = (to_tensor(media.texture(192, 128, seed=seed), device) for seed in (1, 2, 3))
    dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
    network, settings = network_on(device, dtype), Settings(precision=precision, **how)
    look = Look(settings, [Style(style, 1.0, 1.0)], content)
    return image, Objective(network, look.terms(network, content, ()))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_recorded_steps_are_those_that_are_launched(optimizer, precision, caplog):
    image, objective = standard(precision)
    graphs = GraphCache(recorder(image.device))
    found = []
    for each in (GraphCache(None), graphs, graphs):  # the second time from the recording of the first
        steps = each.stepper(objective)
        how = {"optimizer": optimizer, "hessian_diagonal": objective.hessian_diagonal, "steps": steps}
        found.append(minimize(Iterate(image), objective, iterations=8, **how))
    assert not caplog.records
    assert len(graphs._graphs) == 1
    launched, *recorded = found
    for walk in recorded:
        torch.testing.assert_close(walk.image, launched.image, atol=2 / 255, rtol=0)
        torch.testing.assert_close(walk.loss, launched.loss, rtol=1e-3, atol=0)


@pytest.mark.parametrize(("precision", "least"), [("fp16", 0.9995), ("bf16", 0.998)])
def test_half_precision_has_the_gradient_of_float32(precision, least):
    (image, exact), (_, half) = painted("fp32"), painted(precision)
    gradients = [evaluate(objective, image, 0.0)[1].flatten() for objective in (exact, half)]
    assert torch.cosine_similarity(*gradients, dim=0) > least


@pytest.mark.parametrize("weight", [1e-3, 1e4, 1e7])
def test_half_precision_holds_the_gradient_of_any_weight(weight):
    (image, exact), (_, half) = (painted(precision, style_weight=weight) for precision in ("fp32", "fp16"))
    gradients = [evaluate(objective, image, 0.0)[1].flatten() for objective in (exact, half)]
    assert torch.cosine_similarity(*gradients, dim=0) > 0.999


@pytest.mark.parametrize("kind", get_args(StyleLoss))
def test_a_gradient_has_the_same_bits_each_time(kind):
    image, objective = painted("fp16", style_loss=kind)
    first, *more = (evaluate(objective, image, 0.0)[1] for _ in range(4))
    assert all(torch.equal(first, again) for again in more)


def test_products_of_half_precision_have_sums_of_float32():
    rows = torch.rand(50_000, 64, device="cuda").bfloat16()
    found = losses._product(rows.T, rows.T)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, (rows.double().T @ rows.double()).float(), rtol=1e-4, atol=0)


def test_a_clip_is_stylized_from_recordings(caplog):
    device, images = torch.device("cuda"), media.panning(5)
    settings = Settings(first_iterations=20, iterations=6)
    stylizer = Stylizer(settings, network_on(device, torch.float16), [STYLE], device)
    steps = [Frame(image, t, Fraction(1, 24), 1, t) for t, image in enumerate(images)]
    made = list(stylizer.stylize(follow_motion(steps, settings.flow)))
    assert len(made) == 5
    assert not caplog.records
    assert len(stylizer._graphs._graphs) > 0
    assert all(0 < m.losses["style"] < 10 for m in made)
    assert np.abs(made[-1].frame.pixels.astype(int) - images[-1]).mean() > 5


def _with_less_memory(share):
    """Restyle a frame, then once more where the device has but a share of what that took: the notices, and whether
    all is finite."""
    device, notices = torch.device("cuda"), []
    handler = logging.Handler()
    handler.emit = lambda record: notices.append(record.getMessage())
    logging.getLogger("videostyle").addHandler(handler)
    settings = Settings(first_iterations=4, iterations=2, scales=(1.0,))
    step = TrackedFrame(Frame(media.texture(1024, 768), 0, Fraction(1), 1, 0), None)
    network = network_on(device, torch.float16)

    def restyled():
        (made,) = Stylizer(settings, network, [STYLE], device).stylize([step])
        return all(np.isfinite(value) for value in made.losses.values())

    whole = restyled()
    needed = torch.cuda.max_memory_allocated(device)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(share * needed / torch.cuda.get_device_properties(device).total_memory)
    return whole, restyled(), notices


def test_where_memory_ends_the_work_goes_on_in_tiles():
    whole, tiled, notices = run_isolated(_with_less_memory, 0.85)
    assert whole
    assert tiled
    assert any("tiles" in notice for notice in notices)


def test_the_bench_runs(tmp_path):
    done = command("bench", "--quick", "--sizes", "64x48", "--device", "cuda", "--json", tmp_path / "b.json")
    assert "fp16" in done.stdout
    assert "cannot record" not in done.stderr
