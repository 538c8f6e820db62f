"""A network learns a look from a clip, and the same seed gives the same bits."""

import numpy as np
import pytest
import torch

from tests.helpers import media
from videostyle.network.clip import TrainingClip, walk
from videostyle.network.net import Shape
from videostyle.network.noise import noise_tile
from videostyle.network.train import (
    FALLING,
    PATIENCE,
    WARM,
    Schedule,
    held_out_frames,
    lattice,
    train_network,
    window_of,
)
from videostyle.settings import Settings
from videostyle.style.objective.look import Style
from videostyle.style.pixels import to_tensor

SMALL = Shape(8, (1, 2))
SETTINGS = Settings(weights="builtin")


def pan(count=10, size=(48, 40)):
    frames = media.panning(count, *size) if count > 1 else [media.texture(*size)]
    return TrainingClip(frames, len(frames), "dis-fast", "evidence")


def reports(network, clip, steps, **settings):
    style = Style(to_tensor(media.texture(64, 64, 5)), 1.0, 1.0)
    chosen = SETTINGS.override(**settings)
    return list(train_network(clip, [style], chosen, network, steps=steps, shape=SMALL))


def test_the_loss_over_frames_that_are_not_learned_from_falls(network):
    few = reports(network, pan(), 1)[-1]
    many = reports(network, pan(), 40)[-1]
    assert many.loss < 0.7 * few.loss
    assert many.step == 40
    assert set(many.held_out) == {"content", "style", "tv", "range", "temporal", "lattice"}


def test_the_same_seed_gives_the_same_bits(network):
    first, second, other = (reports(network, pan(), 4, seed=seed)[-1].network.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_leaves_the_callers_random_numbers_alone(network):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    reports(network, pan(3), 1)
    assert torch.equal(torch.rand(1), expected)


def test_a_single_picture_is_enough(network):
    assert reports(network, pan(1), 2)[-1].step == 2


def test_a_walk_follows_the_picture():
    clip, window = pan(), (24, 32)
    rng, tile = np.random.default_rng(0), noise_tile(48, 0)
    walking, errors, alone = walk(clip, range(10), window, tile, rng), [], []
    sample = next(walking)
    for _ in range(60):
        following = walking.send(sample.frame)
        seen = following.mask
        if seen.any():
            errors.append(float((seen * (following.warped - following.frame)).abs().sum() / seen.sum() / 3))
            alone.append(float((seen * (sample.frame - following.frame)).abs().sum() / seen.sum() / 3))
        sample = following
    assert len(errors) > 30
    assert np.mean(errors) < 0.35 * np.mean(alone)


def test_a_lattice_is_what_repeats_every_four_pixels():
    even = torch.rand(1, 3, 1, 1).expand(1, 3, 16, 16)
    stripes = torch.zeros(1, 3, 16, 16)
    stripes[..., ::4] = 1
    assert lattice(even) < 1e-12
    assert lattice(stripes) > 0.1


def test_the_rate_rises_and_falls_and_falls_earlier_where_nothing_is_gained():
    schedule = Schedule(1000)
    assert schedule.rate(0) < 0.02
    assert schedule.rate(int(WARM * 1000)) == 1 == schedule.rate(int((1 - FALLING) * 1000) - 1)
    assert schedule.rate(999) < 0.01
    stuck = schedule.noting(5.0, 50).noting(5.0, 60 + PATIENCE)
    assert stuck.is_falling(61 + PATIENCE)
    assert stuck.rate(62 + PATIENCE + int(FALLING * 1000)) <= 0
    assert not schedule.noting(5.0, 50).noting(4.0, 60 + PATIENCE).is_falling(62 + PATIENCE)


@pytest.mark.parametrize("count", [1, 5, 10, 24, 192])
def test_frames_to_learn_from_are_left(count):
    held_out = held_out_frames(count)
    assert held_out
    assert all(0 <= index < count for index in held_out)
    assert len(held_out) < count or count == 1


def test_windows_have_room_to_shake_and_whole_cells():
    h, w = window_of(pan(2, (50, 41)))
    assert h % 4 == w % 4 == 0
    assert h <= 41 - 12
    assert w <= 50 - 12
