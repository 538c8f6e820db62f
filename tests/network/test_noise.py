"""Noise goes along with the picture, and has the same grain everywhere."""

import torch

from videostyle.network.noise import GRAINS, TILE, moved_displacement, no_displacement, noise_tile, sampled


def flow(dx, dy, size=(20, 30)):
    return torch.tensor([dx, dy]).view(1, 2, 1, 1).expand(1, 2, *size).contiguous()


def test_noise_has_deviation_one_and_grains_that_grow():
    tile = noise_tile(128, 0)
    assert tile.shape == (1, len(GRAINS), TILE, TILE)
    torch.testing.assert_close(tile.std((2, 3)), torch.ones(1, len(GRAINS)), atol=1e-3, rtol=0)
    rough = (tile[..., 1:] - tile[..., :-1]).square().mean((0, 2, 3))
    assert rough[0] > 2 * rough[1] > 4 * rough[2]
    assert torch.equal(tile, noise_tile(128, 0))
    assert not torch.equal(tile, noise_tile(128, 1))


def test_noise_begins_again_beyond_its_tile():
    tile = noise_tile(128, 0)
    here = sampled(tile, flow(3.0, -5.0))
    torch.testing.assert_close(here, sampled(tile, flow(3.0 + TILE, -5.0 - TILE)), atol=1e-4, rtol=0)
    torch.testing.assert_close(sampled(tile, flow(0.0, 0.0)), tile[..., :20, :30], atol=1e-5, rtol=0)


def test_noise_follows_a_pan_for_a_hundred_frames():
    tile, displacement = noise_tile(128, 0), no_displacement(torch.zeros(1, 3, 20, 30))
    for _ in range(100):
        displacement = moved_displacement(displacement, flow(0.37, -0.11))
    torch.testing.assert_close(displacement, flow(37.0, -11.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(sampled(tile, displacement), sampled(tile, flow(37.0, -11.0)), atol=1e-2, rtol=0)


def test_noise_that_is_stretched_beyond_recognition_begins_anew():
    torn = flow(0.0, 0.0)
    torn[:, 0, :, 15:] = 40
    displacement = moved_displacement(torn.clone(), torch.zeros_like(torn))
    assert displacement[0, 0, 10, 5] == 0
    assert displacement[0, 0, 10, 25] == 40
    assert displacement[0, 0, 10, 14:16].max() == 0
