"""Strength, from the content to the style."""

import numpy as np
import pytest

from tests.helpers.look import IMAGE, picture
from videostyle.style.objective.statistics import STATISTICS


def apart(one, other):
    return float(np.sqrt(np.square(one.astype(float) - other).mean()))


def test_without_strength_a_frame_is_its_content(network):
    assert apart(picture(network, strength=0), IMAGE) < 0.6


def test_strength_goes_from_the_content_to_the_style_in_even_steps(network):
    found = [apart(picture(network, strength=share), IMAGE) for share in (0, 0.25, 0.5, 0.75, 1)]
    steps = np.diff(found)
    assert np.abs(steps / steps.mean() - 1).max() < 0.8, found


@pytest.mark.parametrize("loss", sorted(STATISTICS.keys() - {"classic"}))
def test_half_the_strength_is_on_the_way_for_every_measure_of_style(network, loss):
    near, full = (apart(picture(network, strength=share, style_loss=loss), IMAGE) for share in (0.3, 1))
    assert 0.05 * full < near < 0.8 * full


def test_where_no_mask_is_white_the_film_shows_and_half_gray_is_half(network):
    mask = np.zeros((48, 64), np.float32)
    mask[:, 32:] = 1
    mask[24:, 32:] = 0.5
    made = picture(network, regions=[mask], content_masks=("mask.png",)).astype(int)
    assert np.array_equal(made[:, :28], IMAGE[:, :28])
    change = np.abs(made - IMAGE).mean(axis=2)
    assert 0.25 < change[28:44, 40:].mean() / change[4:20, 40:].mean() < 0.8
