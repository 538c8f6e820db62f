"""The formulas: pure functions of images and features. Nothing here knows about weights or targets' origin.

Every loss is divided by the number of its elements and, where it has a target, by the target's energy, so
that the same weights mean the same balance at every size, for every style and for any VGG19 weights.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

EPSILON = 1e-8


class _Moments(torch.autograd.Function):
    """Rows (n, C) → mean (C,) and second moment XᵀX / n (C, C); its gradient takes one matrix product, not two."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(rows)
        return rows.mean(0), rows.T @ rows / len(rows)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        of_mean, of_second = grads
        return torch.addmm(of_mean / len(rows), rows, (of_second + of_second.T) / len(rows))


def raw_moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (C,) and Gram matrix (C, C) of (N, C, H, W), over all places of all N images."""
    mean, second = _Moments.apply(features.permute(0, 2, 3, 1).flatten(0, 2))
    return mean, second


def gram_matrix(features: Tensor) -> Tensor:
    """Channel correlations, (C, C): the mean over all places of F Fᵀ.

    Args:
        features: (N, C, H, W); the N images count as one.

    Source: Gatys et al. 2016, eq. 3, divided by the number of places, as Johnson et al. 2016 do.

    """
    return raw_moments(features)[1]


def channel_moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (C,) and covariance (C, C) of the channels: the Gram matrix of what is left without the mean.

    Source: the centred Gram matrix of Risser et al. 2017 (arXiv:1701.08893), with the mean kept beside it.
    """
    mean, second = raw_moments(features)
    return mean, second - torch.outer(mean, mean)


def relative_error(value: Tensor, target: Tensor) -> Tensor:
    """|value - target|² / |target|²: 0 for equal, 1 for a value of zero."""
    return (value - target).square().sum() / target.square().sum().clamp(min=EPSILON)


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of features over the target's variance; about 2 for unrelated pictures.

    Source: Gatys et al. 2016, eq. 1, normalized.
    """
    return (features - target).square().mean() / target.var().clamp(min=EPSILON)


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, horizontal plus vertical, (N, C, H, W) → scalar.

    Source: Mahendran & Vedaldi 2015 with β = 2; divided by the number of pairs.
    """
    across = image[..., :, 1:] - image[..., :, :-1]
    down = image[..., 1:, :] - image[..., :-1, :]
    return across.square().mean() + down.square().mean()


def temporal_loss(image: Tensor, warped: Tensor, mask: Tensor) -> Tensor:
    """Penalize `image` for leaving the warped previous output where the flow is trusted.

    Args:
        image: (N, 3, H, W), RGB in [0, 1]; the frame being optimized.
        warped: Same shape; the previous stylized frame, warped to this one.
        mask: (N, 1, H, W) in [0, 1]; 0 where disoccluded or beyond the border.

    Returns:
        Scalar mean squared error over trusted pixels; 0 if there are none.

    Raises:
        ValueError: The shapes disagree; broadcasting would hide a swapped H and W.

    Source: Ruder et al. 2016 (arXiv:1604.08610), eq. 7. They divide by all pixels; we divide by the trusted
    ones, so that a large occlusion does not weaken the rest of the frame.

    """
    if image.shape != warped.shape or mask.shape != image[:, :1].shape:
        raise ValueError(f"{image.shape = }, {warped.shape = }, {mask.shape = }")
    error = (image - warped).square().mean(dim=1, keepdim=True)
    return (mask * error).sum() / mask.sum().clamp(min=1.0)


def range_loss(image: Tensor) -> Tensor:
    """Mean squared distance of pixels to [0, 1]: what no screen can show should not carry the style."""
    return (image - image.clamp(0, 1)).square().mean()
