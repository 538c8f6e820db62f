"""Formulas of the measures, by hand."""

import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.clips import H, W
from videostyle.measure.quality import formulas


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
