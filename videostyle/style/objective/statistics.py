"""What a style is: features → statistics, and how far one picture's are from another's.

Every statistic is a pair of functions. `compute` takes the features of one layer, (N, C, H, W), and how much each
place counts, (N, 1, H, W) or None; `distance_to` takes the style's statistics and returns the distance to them.
Distances are divided by the style's own energy: 0 is equal, about 1 is a blank picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from videostyle.style.objective import losses
from videostyle.style.objective.losses import EPSILON

Statistics = tuple[Tensor, ...]
Compute = Callable[[Tensor, Tensor | None], Statistics]
Distance = Callable[[Statistics], Tensor]
DistanceTo = Callable[[Statistics], Distance]

DIRECTIONS = 128  # random projections of a layer's features, at most as many as it has channels
QUANTILES = 256


@dataclass(frozen=True, eq=False)
class StyleStatistic:
    """One way to say what a style is."""

    compute: Compute
    distance_to: DistanceTo


def _gram(features: Tensor, guidance: Tensor | None) -> Statistics:
    return (losses.gram_matrix(features, guidance),)


def _relative(target: Statistics) -> Distance:
    def distance(value: Statistics) -> Tensor:
        pairs = zip(value, target, strict=True)
        return torch.stack([losses.relative_error(v, t) for v, t in pairs]).sum()

    return distance


def _classic(target: Statistics) -> Distance:
    """Σ (G - A)² / (4 N² M²) for N channels, G = F Fᵀ over M places and the style's A: Gatys et al. 2016, eq. 4.

    The matrices here are divided by their numbers of places, which need not be the same.
    """
    (gram,) = target

    def distance(value: Statistics) -> Tensor:
        return (value[0] - gram).square().sum() / (4 * len(gram) ** 2)

    return distance


def _gaussian(target: Statistics) -> Distance:
    """Squared Wasserstein-2 distance of the Gaussians with these moments, over the style's second moment."""
    mean, covariance = target
    root = losses.matrix_root(covariance)
    energy = (mean.square().sum() + covariance.trace()).clamp(min=EPSILON)

    def distance(value: Statistics) -> Tensor:
        return ((value[0] - mean).square().sum() + losses.wasserstein_gap(value[1], covariance, root)) / energy

    return distance


def _quantiles(features: Tensor, guidance: Tensor | None) -> Statistics:
    directions = _directions(features.shape[1], features.dtype, features.device)
    return (losses.quantiles(features, directions, QUANTILES, guidance),)


@cache
def _directions(channels: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The same unit vectors every time, (C, D): each group of at most C of them is orthogonal."""
    drawn = torch.randn(channels, channels, generator=torch.Generator().manual_seed(channels))
    orthogonal: Tensor = torch.linalg.qr(drawn)[0]
    return orthogonal[:, : min(channels, DIRECTIONS)].to(device, dtype)


STATISTICS = {
    "centred": StyleStatistic(losses.channel_moments, _relative),
    "gram": StyleStatistic(_gram, _relative),
    "wasserstein": StyleStatistic(losses.channel_moments, _gaussian),
    "sliced": StyleStatistic(_quantiles, _relative),
    "classic": StyleStatistic(_gram, _classic),
}


def in_bfloat16(measure: StyleStatistic) -> StyleStatistic:
    """The same measure of features rounded to bfloat16, which a GPU multiplies many times as fast; sums are float32.

    For measures of Gram matrices alone, of whole pictures: roots, ranks and weights of places are not as forgiving.
    """

    def compute(features: Tensor, guidance: Tensor | None) -> Statistics:
        return measure.compute(features.bfloat16() if guidance is None else features, guidance)

    return replace(measure, compute=compute)


def mixed(found: list[Statistics], shares: Tensor) -> Statistics:
    """The weighted mean of several styles' statistics; `shares` (n,) sum to 1."""
    return tuple(torch.einsum("n,n...->...", shares, torch.stack(values)) for values in zip(*found, strict=True))
