import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from videostyle.style.optimize import adam
from videostyle.style.optimize.adam import count_type
from videostyle.style.optimize.iterate import Iterate, evaluate
from videostyle.style.optimize.lbfgs import FRESH_PRIOR, HISTORY, WARM_PRIOR, Pairs, Preconditioner, Prior
from videostyle.style.optimize.minimize import minimize as minimize_from

TARGET = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(1))


def minimize(start, objective, **how):
    return minimize_from(Iterate(start), objective, **how)


def distance(image, progress=0.0):
    """A badly conditioned valley around TARGET: curvatures from 1 to 1000."""
    scale = torch.logspace(0, 3, 16)
    loss = (scale * (image - TARGET).square()).mean()
    return loss, {"distance": loss}


@pytest.mark.parametrize(("optimizer", "closer"), [("lbfgs", 1e-3), ("adam", 0.3)])
def test_the_minimum_is_approached(optimizer, closer):
    start = torch.full_like(TARGET, 0.5)
    found = minimize(start, distance, iterations=60, optimizer=optimizer).image
    assert distance(found)[0] < closer * distance(start)[0]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_no_step_is_no_change_and_the_start_is_not_touched(optimizer):
    start = torch.rand(1, 3, 8, 8)
    kept = start.clone()
    assert minimize(start, distance, iterations=0, optimizer=optimizer).image is start
    minimize(start[..., :8], lambda x, _: (x.square().mean(), {}), iterations=3, optimizer=optimizer)
    assert torch.equal(start, kept)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_every_step_is_taken_even_where_little_is_left_to_gain(optimizer):
    calls = []

    def flat(image, _):
        calls.append(1)
        loss = 1e-12 * image.square().mean()
        return loss, {"flat": loss}

    minimize(torch.rand(1, 3, 8, 8), flat, iterations=25, optimizer=optimizer)
    assert len(calls) == 25


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, 1e6])
def test_lbfgs_walks_back_when_the_loss_jumps(bad):
    """Beyond a cliff the loss is `bad`; the result stays on this side and still gets lower."""

    def cliff(image, _):
        near = (image - 0.2).square().mean()
        loss = torch.where(image.min() > 0.1, near, near * 0 + bad)
        return loss, {"near": loss}

    start = torch.full((1, 3, 8, 8), 0.9)
    found = minimize(start, cliff, iterations=40).image
    assert torch.isfinite(found).all()
    assert (found - 0.2).square().mean() < 0.05 * (start - 0.2).square().mean()


def test_a_step_that_is_far_too_long_costs_one_evaluation():
    """In a bowl this steep the first step ends a hundred times as high; from it the walk knows how steep it is."""
    target = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))

    def bowl(image, _):
        return 1e5 * (image - target).square().mean(), {}

    start, losses = target + 1e-3 * torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(2)), []
    minimize(start, bowl, iterations=6, prior=Prior(0.0, 0.01), on_step=lambda walk: losses.append(float(walk.loss)))
    assert losses[1] == losses[0]  # the best so far: the first step failed
    assert losses[2] < 0.5 * losses[0]
    assert losses[5] < 0.01 * losses[0]


@pytest.mark.parametrize("iterations", range(1, 12))
def test_what_comes_back_is_no_worse_than_the_best_that_was_known(iterations):
    """Down a steep valley that wants many steps, a last step that nobody evaluated often leads up."""

    def valley(image, progress=0.0):
        loss = (100 * (image[..., 1:] - image[..., :-1].square()).square()).mean() + (1 - image).square().mean()
        return loss, {}

    start, seen = torch.full((1, 3, 8, 8), 0.2), []
    found = minimize(start, valley, iterations=iterations, check_end=True, on_step=lambda walk: seen.append(walk.loss))
    assert valley(found.image)[0] <= min(seen)


def test_an_objective_that_never_was_finite_is_told_also_where_the_end_is_checked():
    found = minimize(torch.rand(1, 3, 8, 8), lambda x, _: (x.sum() * torch.nan, {}), iterations=3, check_end=True)
    assert torch.isnan(found.image).all()


@pytest.mark.parametrize("weight", [1e-12, 1.0, 1e12])
def test_the_gradient_is_held_at_one_size_whatever_the_weight(weight):
    """What goes back through the network is as large for any weight; what comes back is not."""
    seen = []

    def weighted(image, _):
        image.register_hook(lambda gradient: seen.append(gradient.abs().max()))
        loss = weight * (1 + image.square().mean())
        return loss, {}

    image = torch.rand(1, 3, 8, 8)
    gradient = evaluate(weighted, image, 0.0)[1]
    torch.testing.assert_close(gradient, weight * 2 * image / image.numel(), rtol=1e-5, atol=0)
    assert 2**-9 < seen[0] < 2**-5


def test_the_same_start_gives_the_same_bits():
    start = torch.rand(1, 3, 12, 16)
    once, again = (minimize(start, distance, iterations=20).image for _ in range(2))
    assert torch.equal(once, again)


def test_the_preconditioner_is_symmetric_and_positive():
    precondition = Preconditioner.for_image(torch.zeros(1, 3, 9, 14))
    a, b = torch.randn(1, 3, 9, 14), torch.randn(1, 3, 9, 14)
    torch.testing.assert_close((a * precondition(b)).sum(), (b * precondition(a)).sum(), rtol=1e-4, atol=1e-4)
    assert (a * precondition(a)).sum() > 0


def test_progress_is_told_of_every_step():
    told = []
    minimize(torch.rand(1, 3, 12, 16), distance, iterations=7, on_step=told.append)
    assert len(told) == 7


def test_known_stiffness_is_not_to_be_found_out():
    """A stiff pull on half of the picture beside a soft one: knowing it, the same steps get nearer."""
    generator = torch.Generator().manual_seed(4)
    stiff = torch.zeros(1, 1, 12, 16)
    stiff[..., :8] = 500.0
    there = torch.rand(1, 3, 12, 16, generator=generator)

    def held(image, progress):
        loss = distance(image)[0] + (stiff * (image - there).square()).sum() / 2
        return loss, {"held": loss}

    least = minimize(TARGET, held, iterations=300).image
    plain, knowing = (minimize(TARGET, held, iterations=6, hessian_diagonal=s).image for s in (None, stiff))
    assert (knowing - least).square().mean() < 0.5 * (plain - least).square().mean()


def test_a_preconditioner_that_knows_stiffness_is_symmetric_and_positive():
    stiff = torch.rand(1, 1, 9, 14, generator=torch.Generator().manual_seed(0))
    precondition = Preconditioner.for_image(torch.zeros(1, 3, 9, 14), stiff)
    a, b = torch.randn(1, 3, 9, 14), torch.randn(1, 3, 9, 14)
    torch.testing.assert_close((a * precondition(b)).sum(), (b * precondition(a)).sum(), rtol=1e-3, atol=1e-3)
    assert (a * precondition(a)).sum() > 0


def test_the_walk_ends_when_the_loss_no_longer_falls():
    taken = []

    def floored(image, progress):
        loss = 1 + distance(image)[0]
        return loss, {"floored": loss}

    minimize(torch.rand(1, 3, 12, 16), floored, iterations=400, tolerance=1e-2, on_step=taken.append)
    assert 10 < len(taken) < 400
    assert (len(taken) - 1) % 10 == 0


def test_adam_carries_its_moments_on():
    start = torch.full_like(TARGET, 0.5)
    half = minimize_from(Iterate(start), distance, iterations=10, optimizer="adam")
    whole = minimize_from(Iterate(start), distance, iterations=20, optimizer="adam").image
    carried = minimize_from(half, distance, iterations=10, optimizer="adam").image
    fresh = minimize_from(Iterate(half.image), distance, iterations=10, optimizer="adam").image
    torch.testing.assert_close(carried, whole)
    assert not torch.allclose(fresh, whole, atol=1e-3)


class WithoutFloat64(TorchDispatchMode):
    """Like Apple's GPU."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and made.dtype == torch.float64:
            raise TypeError("there is no float64")
        return made


def test_adam_needs_no_float64_on_apples_gpu(monkeypatch):
    start = torch.full_like(TARGET, 0.5)
    expected = minimize(start, distance, iterations=30, optimizer="adam").image
    with WithoutFloat64(), pytest.raises(TypeError, match="no float64"):
        minimize(start, distance, iterations=30, optimizer="adam")
    monkeypatch.setattr(adam, "count_type", lambda device: count_type(torch.device("mps")))
    with WithoutFloat64():
        found = minimize(start, distance, iterations=30, optimizer="adam").image
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_an_average_of_the_steps_is_their_mean_when_all_count_alike():
    seen = []
    minimize(
        torch.full_like(TARGET, 0.5), distance, iterations=8, optimizer="adam", on_step=lambda w: seen.append(w.image)
    )
    found = minimize(torch.full_like(TARGET, 0.5), distance, iterations=8, optimizer="adam", ema_decay=0.999)
    torch.testing.assert_close(found.image, torch.stack(seen).mean(0), atol=1e-3, rtol=0)


def two_loops(pairs, gradient, precondition, gamma):
    """Nocedal & Wright 2006, algorithm 7.4, over (s, y) from the oldest to the newest."""
    q, alphas = gradient, []
    for s, y in reversed(pairs):
        alphas.append((s * q).sum() / (s * y).sum())
        q = q - alphas[-1] * y
    q = precondition(q, gamma)
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        q = q + (alpha - (y * q).sum() / (s * y).sum()) * s
    return q


@pytest.mark.parametrize("count", [1, HISTORY - 1, HISTORY + 3])
def test_the_triangular_systems_are_the_two_loops(count):
    """The pairs are those of a quadratic, after one that does not count, since its curvature is negative."""
    generator = torch.Generator().manual_seed(3)
    curvature = torch.logspace(0, 2, 16)
    steps = [torch.randn(1, 3, 12, 16, generator=generator) for _ in range(count)]
    known, fine = [(s, curvature * s) for s in steps], torch.tensor(False)
    ring = Pairs.empty(TARGET).pushed(steps[0], -steps[0], fine)
    for s, y in known:
        ring = ring.pushed(s, y, fine)
    gradient, precondition = torch.randn(1, 3, 12, 16, generator=generator), Preconditioner.for_image(TARGET)
    s, y = known[-1]
    gamma = (s * y).sum() / (y * precondition.gain(y)).sum()
    expected = two_loops(known[-HISTORY:], gradient, precondition, gamma)
    torch.testing.assert_close(ring.direction(gradient, precondition), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("prior", [FRESH_PRIOR, WARM_PRIOR, Prior(0.0, 0.02)])
def test_the_first_step_is_as_long_as_supposed(prior):
    start = torch.full_like(TARGET, 0.5)
    found = minimize(start, distance, iterations=1, prior=prior).image
    assert float((found - start).square().mean().sqrt()) == pytest.approx(prior.first, rel=1e-4)
