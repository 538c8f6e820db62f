"""Features from tiles, where memory ends."""

import logging
from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.helpers.look import CPU, SETTINGS, STYLE
from videostyle.frames import Frame, TrackedFrame
from videostyle.style.stylizer import Stylizer
from videostyle.style.tiling import FALLBACKS, Tiled


def test_tiles_see_what_the_whole_picture_shows(network):
    image = torch.rand(1, 3, 150, 260, generator=torch.Generator().manual_seed(0), requires_grad=True)
    names = ["relu1_1", "relu3_1", "relu5_1"]
    whole, tiled = network(image, names), Tiled(network, 96)(image, names)
    for name in names:
        assert tiled[name].shape == whole[name].shape
        torch.testing.assert_close(tiled[name], whole[name], atol=2e-2, rtol=0)
    slopes = [torch.autograd.grad(f["relu5_1"].square().sum(), image)[0].flatten() for f in (tiled, whole)]
    assert torch.cosine_similarity(*slopes, dim=0) > 0.999


def test_a_full_device_is_met_with_smaller_steps_down(network, caplog):
    class Small:
        """A device that holds no more than 300 pixels of width."""

        def __call__(self, image, names):
            if image.shape[3] > 300:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return network(image, names)

    image = np.zeros((16, 512, 3), np.uint8)
    stylizer = Stylizer(SETTINGS.override(first_iterations=1, size=512), network, [STYLE], CPU)
    stylizer._ways = {mode: Tiled(Small(), mode.tile) if mode.tile else Small() for mode in FALLBACKS}
    with caplog.at_level(logging.WARNING, logger="videostyle"), pytest.raises(torch.OutOfMemoryError):
        list(stylizer.stylize([TrackedFrame(Frame(image, 0, Fraction(1), 1, 0), None)]))
    assert [record.getMessage().partition("with ")[2] for record in caplog.records] == [str(r) for r in FALLBACKS[1:]]
