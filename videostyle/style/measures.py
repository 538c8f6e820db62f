"""What a style is: features → statistics, and how far one picture's are from another's.

Every measure is a pair of functions. `describe` sees the features of one layer, (N, C, H, W), and how much each
place counts, (N, 1, H, W) or None; `towards` takes the style's statistics and returns the distance to them. Distances
are divided by the style's own energy: 0 is equal, about 1 is a blank picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from videostyle.style import losses
from videostyle.style.losses import EPSILON

Statistics = tuple[Tensor, ...]
Describe = Callable[[Tensor, Tensor | None], Statistics]
Distance = Callable[[Statistics], Tensor]
Towards = Callable[[Statistics], Distance]

DIRECTIONS = 128  # random projections of a layer's features, at most as many as it has channels
QUANTILES = 256


@dataclass(frozen=True, eq=False)
class Measure:
    """One way to say what a style is."""

    describe: Describe
    towards: Towards


def _gram(features: Tensor, places: Tensor | None) -> Statistics:
    return (losses.gram_matrix(features, places),)


def _relative(target: Statistics) -> Distance:
    def distance(value: Statistics) -> Tensor:
        pairs = zip(value, target, strict=True)
        return torch.stack([losses.relative_error(v, t) for v, t in pairs]).sum()

    return distance


def _classic(target: Statistics) -> Distance:
    """Mean squared error of Gram matrices divided by C, as jcjohnson/neural-style and its heirs have it."""
    (gram,) = target

    def distance(value: Statistics) -> Tensor:
        return ((value[0] - gram) / len(gram)).square().mean()

    return distance


def _gaussian(target: Statistics) -> Distance:
    """Squared Wasserstein-2 distance of the Gaussians with these moments, over the style's second moment."""
    mean, covariance = target
    root = losses.matrix_root(covariance)
    energy = (mean.square().sum() + covariance.trace()).clamp(min=EPSILON)

    def distance(value: Statistics) -> Tensor:
        return ((value[0] - mean).square().sum() + losses.wasserstein_gap(value[1], covariance, root)) / energy

    return distance


def _quantiles(features: Tensor, places: Tensor | None) -> Statistics:
    directions = _directions(features.shape[1], features.dtype, features.device)
    return (losses.quantiles(features, directions, QUANTILES, places),)


@cache
def _directions(channels: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The same unit vectors every time, (C, D): each group of at most C of them is orthogonal."""
    drawn = torch.randn(channels, channels, generator=torch.Generator().manual_seed(channels))
    orthogonal: Tensor = torch.linalg.qr(drawn)[0]
    return orthogonal[:, : min(channels, DIRECTIONS)].to(device, dtype)


MEASURES = {
    "centred": Measure(losses.channel_moments, _relative),
    "gram": Measure(_gram, _relative),
    "wasserstein": Measure(losses.channel_moments, _gaussian),
    "sliced": Measure(_quantiles, _relative),
    "classic": Measure(_gram, _classic),
}


def in_half(measure: Measure) -> Measure:
    """The same measure of features rounded to bfloat16, which a GPU multiplies many times as fast; sums are float32.

    For measures of Gram matrices alone, of whole pictures: roots, ranks and weights of places are not as forgiving.
    """

    def describe(features: Tensor, places: Tensor | None) -> Statistics:
        return measure.describe(features.bfloat16() if places is None else features, places)

    return replace(measure, describe=describe)


def mixed(found: list[Statistics], shares: Tensor) -> Statistics:
    """The weighted mean of several styles' statistics; `shares` (n,) sum to 1."""
    return tuple(torch.einsum("n,n...->...", shares, torch.stack(values)) for values in zip(*found, strict=True))
