"""Whose colors."""

import numpy as np
import torch

from tests.helpers.look import BLUE, IMAGE, picture
from videostyle.style import pixels
from videostyle.style.objective import palette


def lab(image):
    return palette.to_oklab(pixels.to_tensor(image))


def test_oklab_by_its_authors_numbers():
    white = palette.to_oklab(torch.ones(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(white, torch.tensor([1.0, 0.0, 0.0]), atol=1e-3, rtol=0)
    red = palette.to_oklab(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(red, torch.tensor([0.62796, 0.22486, 0.12585]), atol=1e-3, rtol=0)


def test_oklab_and_back_is_the_picture():
    image = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(palette.from_oklab(palette.to_oklab(image)), image, atol=1e-3, rtol=0)


def test_a_palette_match_has_the_others_mean_and_covariance():
    image = 0.5 + 0.05 * torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    other = 0.4 + 0.1 * torch.rand(1, 3, 30, 30, generator=torch.Generator().manual_seed(1)).cumsum(1) / 2
    moved, wanted = (x.flatten(2)[0] for x in (palette.palette_matched(image, other), other))
    torch.testing.assert_close(moved.mean(1), wanted.mean(1), atol=2e-3, rtol=0)
    torch.testing.assert_close(torch.cov(moved), torch.cov(wanted), atol=2e-4, rtol=0)


def test_the_contents_colors_stay_and_its_lightness_does_not(network):
    made = picture(network, color="content")
    (before, after, free) = (lab(p) for p in (IMAGE, made, picture(network)))
    kept, lost = ((x[:, 1:] - before[:, 1:]).abs().mean() for x in (after, free))
    assert kept < 0.25 * lost
    assert (after[:, :1] - before[:, :1]).abs().mean() > 0.02


def test_a_matched_style_has_the_contents_palette(network):
    matched, free = picture(network, styles=[BLUE], color="match"), picture(network, styles=[BLUE])
    gap = [np.abs(p.mean((0, 1)) - IMAGE.mean((0, 1))).max() for p in (matched, free)]
    assert gap[0] < 0.3 * gap[1]
