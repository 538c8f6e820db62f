"""Where to look: what stands out in a frame, and which style places resemble which of its places."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from videostyle.style.objective.losses import EPSILON

GAIN = 1.5  # of a strength of 1: what stands out most is styled e^1.5 times as strongly as the average
KEYS = 4096  # style places that a frame's places may attend to
AT_ONCE = 4096  # of a frame's places, to bound memory
SHARPNESS = 3.0  # of that choice, over the 1/√C of Vaswani et al. 2017


def salience(features: Tensor) -> Tensor:
    """What stands out, (1, 1, h, w) in [0, 1], of activations (1, C, h, w).

    How far a place's activations are from those of the whole frame, each channel in units of its deviation: the
    rare stands out, as in Bruce & Tsotsos 2009, with the network's own features for a model of what is common.
    Stretched from its 5th to its 95th percentile.
    """
    distance = _normalized(features).square().mean(1, keepdim=True).sqrt()
    smooth = F.avg_pool2d(F.pad(distance, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    low, high = torch.quantile(smooth, torch.tensor([0.05, 0.95]).to(smooth))
    stretched: Tensor = (smooth - low) / (high - low).clamp(min=EPSILON)
    return stretched.clamp(0, 1)


def strength(salient: Tensor, amount: float) -> Tensor:
    """How strongly to style each place, with mean 1: more where it is salient for `amount` above 0, less below."""
    strong = torch.exp(GAIN * amount * (2 * salient - 1))
    return strong / strong.mean()


def matched(content: Tensor, styles: Sequence[Tensor]) -> Tensor:
    """What each place would be in the style: its activations with the moments of the style places it attends to.

    Args:
        content: (1, C, h, w), activations of the content.
        styles: (1, C, h', w') each, of the styles.

    Returns:
        (1, C, h, w): S · norm(content) + M, with M and S the attention-weighted mean and deviation.

    Source: AdaAttN, Liu et al. 2021 (arXiv:2108.03647), eq. 3-6, with the identity for its learned projections.

    """
    queries = _rows(_normalized(content))
    values = torch.cat([_rows(style) for style in styles])
    keys = torch.cat([_rows(_normalized(style)) for style in styles])
    chosen = torch.linspace(0, len(keys) - 1, min(KEYS, len(keys))).round().long().to(keys.device)
    keys, values = keys[chosen], values[chosen]
    both = torch.cat([values, values.square()], dim=1)
    sharpness = SHARPNESS / keys.shape[1] ** 0.5
    attended = [torch.softmax(sharpness * part @ keys.T, dim=1) @ both for part in torch.split(queries, AT_ONCE)]
    mean, square = torch.cat(attended).chunk(2, dim=1)
    deviation = (square - mean.square()).clamp(min=0).sqrt()
    return (deviation * queries + mean).T.reshape(content.shape)


def _rows(features: Tensor) -> Tensor:
    return features[0].flatten(1).T


def _normalized(features: Tensor) -> Tensor:
    """Each channel with mean 0 and deviation 1 over the picture."""
    mean = features.mean((2, 3), keepdim=True)
    return (features - mean) / features.std((2, 3), correction=0, keepdim=True).clamp(min=1e-4)
