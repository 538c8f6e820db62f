"""Whose colors: the content's over the style's strokes, or the style's palette moved to the content's."""

from __future__ import annotations

import torch
from torch import Tensor

from videostyle.style.device import decomposable
from videostyle.style.objective.losses import matrix_root

# Ottosson 2020, "A perceptual color space for image processing" (OKLab)
_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_DARKEST = 1e-6  # keeps cube roots differentiable and matrices invertible


def to_oklab(image: Tensor) -> Tensor:
    """(N, 3, H, W) sRGB in [0, 1] → OKLab: lightness in [0, 1], then the two color axes."""
    cones = _mixed(_linear(image.clamp(0, 1)), _TO_CONES).clamp(min=0)
    return _mixed(cones.pow(1 / 3), _TO_LAB)


def from_oklab(lab: Tensor) -> Tensor:
    """OKLab → sRGB, clipped to [0, 1]."""
    cones = _mixed(lab, torch.linalg.inv(torch.tensor(_TO_LAB, dtype=torch.float64)).tolist()).pow(3)
    linear = _mixed(cones, torch.linalg.inv(torch.tensor(_TO_CONES, dtype=torch.float64)).tolist())
    return _gamma(linear.clamp(0, 1))


def gray(image: Tensor) -> Tensor:
    """The gray picture, (N, 3, H, W), of the same OKLab lightness."""
    return _gamma(to_oklab(image)[:, :1].clamp(0, 1).pow(3)).expand(-1, 3, -1, -1)


def recolored(image: Tensor, colors: Tensor) -> Tensor:
    """The lightness of one picture with the color axes of another, both (N, 3, H, W): luminance-only transfer.

    Source: Gatys et al. 2016, "Preserving color in neural artistic style transfer" (arXiv:1606.05897), in OKLab.
    """
    return from_oklab(torch.cat([to_oklab(image)[:, :1], to_oklab(colors)[:, 1:]], dim=1))


def in_range_of(image: Tensor, other: Tensor) -> Tensor:
    """`image` shifted and stretched, all channels alike, to the mean and deviation of `other`."""
    return ((image - image.mean()) / image.std().clamp(min=_DARKEST) * other.std() + other.mean()).clamp(0, 1)


def palette_matched(image: Tensor, other: Tensor) -> Tensor:
    """`image` (1, 3, H, W) with the mean and covariance of the colors of `other`: the least change that does it.

    Source: Pitié & Kokaram 2007, "The linear Monge-Kantorovitch linear colour mapping":
    T = Σ^-½ (Σ^½ Σ' Σ^½)^½ Σ^-½.
    """
    (mean, covariance), (wanted_mean, wanted) = _colors(image), _colors(other)
    root = matrix_root(covariance)
    back = torch.linalg.inv(decomposable(root, torch.float64)).to(root)
    transport = back @ matrix_root(root @ wanted @ root) @ back
    moved = (image.flatten(2)[0].T - mean) @ transport + wanted_mean
    matched: Tensor = moved.T.reshape(image.shape).clamp(0, 1)
    return matched


def _colors(image: Tensor) -> tuple[Tensor, Tensor]:
    rows = image.flatten(2)[0]
    return rows.mean(1), torch.cov(rows, correction=0) + _DARKEST * torch.eye(3).to(image)


def _mixed(image: Tensor, matrix: tuple[tuple[float, ...], ...] | list[list[float]]) -> Tensor:
    return torch.einsum("ij,njhw->nihw", torch.tensor(matrix).to(image), image)


def _linear(image: Tensor) -> Tensor:
    """Take sRGB to linear light (IEC 61966-2-1)."""
    return torch.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055).pow(2.4))


def _gamma(linear: Tensor) -> Tensor:
    """Take linear light to sRGB."""
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp(min=1e-9).pow(1 / 2.4) - 0.055)
