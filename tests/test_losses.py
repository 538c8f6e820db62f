import pytest
import torch

from videostyle.style.objective import losses


def test_gram_matrix_by_hand():
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # N=1 C=2 H=1 W=2
    torch.testing.assert_close(losses.gram_matrix(features), torch.tensor([[2.5, 5.5], [5.5, 12.5]]))


def test_channel_moments_are_numpys():
    features = torch.rand(1, 4, 6, 5, dtype=torch.float64)
    mean, covariance = losses.channel_moments(features)
    torch.testing.assert_close(mean, features.flatten(2)[0].mean(1))
    torch.testing.assert_close(covariance, torch.cov(features.flatten(2)[0], correction=0))


def test_moments_have_the_gradient_that_differences_say():
    features = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(losses.channel_moments, (features,))
    assert torch.autograd.gradcheck(losses.gram_matrix, (features,))


@pytest.mark.parametrize("guidance", [None, torch.rand(1, 1, 9, 7)])
def test_moments_of_float32_are_those_of_float64(guidance):
    """Of float32 oneDNN takes the matrix products, where it is there."""
    features = torch.rand(1, 48, 9, 7).requires_grad_(True)
    slope = torch.rand(48, 48)

    def found(dtype):
        seen = None if guidance is None else guidance.to(dtype)
        mean, covariance = losses.channel_moments(features.to(dtype), seen)
        (gradient,) = torch.autograd.grad(mean.sum() + (covariance * slope.to(dtype)).sum(), features)
        return [value.detach().float() for value in (mean, covariance, gradient)]

    for single, double in zip(found(torch.float32), found(torch.float64), strict=True):
        torch.testing.assert_close(single, double, rtol=1e-5, atol=1e-6)


def test_moments_do_not_depend_on_resolution():
    features = torch.rand(1, 3, 8, 8)
    larger = features.repeat_interleave(2, 2).repeat_interleave(2, 3)
    for small, large in zip(losses.channel_moments(features), losses.channel_moments(larger), strict=True):
        torch.testing.assert_close(small, large)


def test_relative_error_is_one_for_nothing_and_zero_for_all():
    target = torch.rand(5)
    assert losses.relative_error(torch.zeros(5), target) == 1
    assert losses.relative_error(target, target) == 0


def test_content_loss_is_two_for_unrelated_pictures_whatever_tells_their_channels_apart():
    one, other = (torch.rand(1, 5, 40, 40, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    apart = 0.3 * torch.arange(5.0)[:, None, None]
    assert losses.content_loss(one + apart, other + apart) == pytest.approx(2, rel=0.05)


def test_content_loss_of_a_flat_picture_is_no_larger_than_of_one_that_varies_a_little():
    flat = torch.arange(5.0)[None, :, None, None].expand(1, 5, 40, 40)
    assert losses.content_loss(flat + 0.1, flat) == pytest.approx(0.01 / (losses.FLATTEST * 2))


def test_total_variation_by_hand():
    image = torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]]])
    assert losses.total_variation(image) == (1 + 9) / 2 + (0 + 4) / 2


def test_range_loss_sees_only_what_no_screen_shows():
    assert losses.range_loss(torch.tensor([0.0, 0.5, 1.0])) == 0
    assert losses.range_loss(torch.tensor([-0.5, 1.5])) == 0.25


def test_temporal_loss_ignores_disoccluded_pixels():
    image, warped = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    mask = torch.ones(1, 1, 4, 4)
    warped[..., 0], mask[..., 0] = 9.0, 0.0  # wrong, and known to be wrong
    assert losses.temporal_loss(image, warped, mask) == 0


def test_temporal_loss_pulls_each_trusted_pixel_and_no_other():
    image = torch.zeros(1, 3, 4, 4, requires_grad=True)
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., 1, 2] = 1
    losses.temporal_loss(image, torch.ones(1, 3, 4, 4), mask).backward()
    assert (image.grad[0, :, 1, 2] < 0).all()
    assert image.grad.count_nonzero() == 3


def test_what_is_not_ripe_is_held_less_firmly_also_where_all_is_new():
    image, warped, new = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4), torch.full((1, 1, 4, 4), 1 / 6)
    loss = losses.temporal_loss(image, warped, new, trusted=torch.tensor(16.0))
    assert float(loss) == pytest.approx(1 / 6)
    stiffness = losses.temporal_stiffness(new, torch.tensor(16.0))
    assert float(stiffness[0, 0, 0, 0]) == pytest.approx(2 / 3 / 16 / 6)


def test_temporal_loss_refuses_swapped_sides():
    with pytest.raises(ValueError, match="mask"):
        losses.temporal_loss(torch.zeros(1, 3, 4, 6), torch.zeros(1, 3, 4, 6), torch.zeros(1, 1, 6, 4))
