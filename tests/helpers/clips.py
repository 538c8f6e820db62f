"""Clips whose motion and faults are known exactly, and what is found of them."""

import numpy as np

from tests.helpers import media

W, H = 96, 64


def still(count, seed=0):
    return [media.texture(W, H, seed)] * count


def pan(count, step=2, seed=0):
    return media.panning(count, W, H, step, seed)


def shifted(images, levels):
    """Every frame `levels(t)` brighter."""
    return [np.clip(image.astype(float) + levels(t), 0, 255).round().astype(np.uint8) for t, image in enumerate(images)]


def soft(images):
    """With room for noise and shifts below white and above black."""
    return [(image * 0.6 + 40).astype(np.uint8) for image in images]


def noisy(images, deviation, seed=0):
    rng = np.random.default_rng(seed)
    return [np.clip(image + rng.normal(0, deviation, image.shape), 0, 255).round().astype(np.uint8) for image in images]


def mean(evaluation, name):
    return evaluation.statistics[name].mean
