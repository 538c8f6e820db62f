"""What a style is: each measure of it, and its gradient."""

import pytest
import torch

from videostyle.style.objective import losses
from videostyle.style.objective.look import HALVED
from videostyle.style.objective.statistics import STATISTICS, in_bfloat16, mixed


@pytest.mark.parametrize("name", STATISTICS)
def test_a_measure_is_nothing_for_the_style_and_falls_towards_it(name):
    generator = torch.Generator().manual_seed(0)
    style = torch.rand(1, 8, 20, 20, generator=generator).cumsum(1)
    far = torch.rand(1, 8, 20, 20, generator=generator)
    measure = STATISTICS[name]
    distance = measure.distance_to(measure.compute(style, None))
    gaps = [float(distance(measure.compute(far + t * (style - far), None))) for t in (0, 0.5, 1)]
    assert gaps[0] > 1.5 * gaps[1] > 0
    assert abs(gaps[2]) < 1e-4 * gaps[0] + 1e-5


@pytest.mark.parametrize("name", STATISTICS)
def test_a_measure_has_a_gradient_that_descends(name):
    style = torch.rand(1, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    measure = STATISTICS[name]
    distance = measure.distance_to(measure.compute(style, None))
    x = torch.rand(1, 8, 16, 16, generator=torch.Generator().manual_seed(1), requires_grad=True)
    loss = distance(measure.compute(x * 2, None))
    (slope,) = torch.autograd.grad(loss, x)
    lower = distance(measure.compute(2 * (x - 0.05 * slope / slope.abs().max()), None))
    assert float(lower.detach()) < float(loss.detach())


@pytest.mark.parametrize("name", STATISTICS)
def test_places_of_no_weight_are_not_seen(name):
    features = torch.rand(1, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    other = features.clone()
    other[..., 6:] = 9
    guidance = torch.zeros(1, 1, 12, 12)
    guidance[..., :6] = 2.0
    seen, alone = (STATISTICS[name].compute(f, p) for f, p in ((other, guidance), (features[..., :6], None)))
    for a, b in zip(seen, alone, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("name", HALVED)
def test_a_measure_in_half_precision_has_the_gradient_of_float32(name):
    generator = torch.Generator().manual_seed(0)
    style, x = (torch.rand(1, 32, 16, 16, generator=generator).cumsum(1) for _ in range(2))

    def gradient(measure, guidance):
        leaf = x.clone().requires_grad_(True)
        aim = STATISTICS[name].distance_to(STATISTICS[name].compute(style, None))
        loss = aim(measure.compute(leaf, guidance))
        return torch.autograd.grad(loss, leaf)[0]

    exact, half = gradient(STATISTICS[name], None), gradient(in_bfloat16(STATISTICS[name]), None)
    assert half.dtype == torch.float32
    assert torch.cosine_similarity(exact.flatten(), half.flatten(), dim=0) > 0.999
    assert not torch.equal(exact, half)
    guidance = torch.linspace(0, 1, 256).view(1, 1, 16, 16)
    assert torch.equal(gradient(STATISTICS[name], guidance), gradient(in_bfloat16(STATISTICS[name]), guidance))


def test_weighted_moments_have_the_gradient_that_differences_say():
    features = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    guidance = torch.rand(1, 1, 4, 5, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: losses.channel_moments(x, guidance), (features,))


def test_wasserstein_distance_of_gaussians_by_hand():
    """Between covariances 4 and 1 along each of two axes it is (2 - 1)² twice."""
    wide, narrow = 4 * torch.eye(2), torch.eye(2)
    assert float(losses.wasserstein_gap(wide, narrow, narrow)) == pytest.approx(2, abs=1e-3)


def test_styles_are_mixed_by_their_shares():
    (mean,) = mixed([(torch.tensor([1.0]),), (torch.tensor([5.0]),)], torch.tensor([0.25, 0.75]))
    assert float(mean) == 4
