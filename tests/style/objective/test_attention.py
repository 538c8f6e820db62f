"""Where the style goes, and which part of it."""

import numpy as np
import torch

from tests.helpers import media
from tests.helpers.look import CPU, SETTINGS, STYLE, picture, stylized
from videostyle.style.objective import attention
from videostyle.style.stylizer import Stylizer


def test_what_stands_out_is_found(network):
    image = np.full((64, 96, 3), 120, np.uint8)
    image[20:44, 56:80] = media.texture(24, 24, seed=5)
    found = Stylizer(SETTINGS, network, [STYLE], CPU).salience(image)
    assert found.shape == (64, 96)
    assert found[20:44, 56:80].mean() > 0.5 > 0.3 > found[:, :32].mean()


def test_attention_steers_where_the_style_goes(network):
    image = np.full((64, 96, 3), 120, np.uint8)
    image[20:44, 56:80] = media.texture(24, 24, seed=5)
    shares = []
    for amount in (1, 0, -1):
        change = np.abs(picture(network, image=image, attention=amount).astype(int) - image).mean(2)
        shares.append(change[20:44, 56:80].mean() / change[:, :32].mean())
    assert shares[0] > 1.1 * shares[1] > 1.1 * 1.1 * shares[2]


def test_attention_matches_each_place_with_what_it_resembles():
    """Content and style have two kinds of places, in other colors: each takes on its own kind's."""
    content, style = torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4)
    content[:, 0, :2], content[:, 1, 2:] = 1.0, 1.0
    style[:, 0, :, :2], style[:, 1, :, 2:] = 7.0, 3.0
    found = attention.matched(content, [style])
    assert found[0, 0, :2].mean() > 6 > 1 > found[0, 0, 2:].mean()
    assert found[0, 1, 2:].mean() > 2.5 > 0.5 > found[0, 1, :2].mean()


def test_a_match_pulls_towards_the_matched_features(network):
    made = stylized(network, match_weight=3.0)
    assert "match" in made.losses
    assert not np.array_equal(made.frame.pixels, picture(network))
