"""Two pictures in different light, and pictures that fade."""

import numpy as np
import pytest

from tests.helpers import media
from videostyle.frames import Fade
from videostyle.motion.fade import estimate_fade, match_exposure


def test_pictures_in_one_light_are_left_as_they_are():
    one, other = media.panning(2)
    for pair in ((one, other), (one, media.texture(64, 48, seed=9))):
        assert all(a is b for a, b in zip(match_exposure(*pair), pair, strict=True))


@pytest.mark.parametrize("light", [{"to_black": 0.4}, {"to_white": 0.4}, {"to_black": 0.7, "to_white": 0.6}], ids=str)
def test_a_picture_in_less_light_is_brought_into_the_other_s(light):
    image = media.texture(64, 48)
    relit, same = match_exposure(media.relit(image, **light), image)
    assert same is image
    assert np.abs(relit.astype(int) - image).max() <= 3


def test_light_is_full_but_where_a_picture_fades():
    image = media.texture(96, 64)
    assert estimate_fade(image) == estimate_fade(media.relit(image, to_black=0.6)) == Fade(1, 1)
    assert (
        estimate_fade(media.relit(image, to_black=0)).to_black
        == estimate_fade(media.relit(image, to_white=0)).to_white
        == 0
    )
    assert 0.3 < estimate_fade(media.relit(image, to_black=0.15)).to_black < 0.6
    assert estimate_fade(image.astype(np.uint16) * 257) == Fade(1, 1)
