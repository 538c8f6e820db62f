"""The formulas: pure functions of images and features. Nothing here knows about weights or targets' origin.

Every loss is divided by the number of its elements and, where it has a target, by the target's energy, so
that the same weights mean the same balance at every size, for every style and for any VGG19 weights.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from videostyle.style import onednn
from videostyle.style.device import decomposable

EPSILON = 1e-8
FLATTEST = 0.1  # of the variance of all its activations: how little a picture may vary from place to place


class _Moments(torch.autograd.Function):
    """Rows (n, C) and their shares (n, 1) → mean and second moment; the gradient takes one matrix product, not two."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, shares: Tensor | None) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(rows, shares)
        if shares is None:
            return rows.mean(0, dtype=_wide(rows)), _product(rows.T, rows.T) / len(rows)
        weighted = rows * shares
        return weighted.sum(0), _product(rows.T, weighted.T)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        rows, shares = ctx.saved_tensors
        of_mean, of_second = grads
        if shares is None:
            return _product(rows, (of_second + of_second.T) / len(rows), of_mean / len(rows)), None
        return _product(rows, of_second + of_second.T, of_mean) * shares, None


def _product(a: Tensor, b: Tensor, added: Tensor | None = None) -> Tensor:
    """The product a bᵀ, with a row added to each of its own; of half precision the sums are float32."""
    if onednn.supports(a):
        return onednn.matmul_t(a, b, added)
    wide, b = _wide(a), b.to(a.dtype)
    if a.is_cuda and a.dtype != wide:
        found = torch.mm(a, b.T, out_dtype=wide)
        return found if added is None else found + added
    a, b = a.to(wide), b.to(wide)
    return a @ b.T if added is None else torch.addmm(added, a, b.T)


def _wide(rows: Tensor) -> torch.dtype:
    return torch.promote_types(rows.dtype, torch.float32)


def normalized_guidance(guidance: Tensor | None) -> Tensor | None:
    """(N, 1, H, W) weights of places → (n, 1) rows that sum to 1."""
    if guidance is None:
        return None
    flat = guidance.flatten()[:, None]
    return flat / flat.sum().clamp(min=EPSILON)


def flatten_places(features: Tensor) -> Tensor:
    """(N, C, H, W) → (n, C), one row a place."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)


def raw_moments(features: Tensor, guidance: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean (C,) and Gram matrix (C, C) of (N, C, H, W), over all places of all N images.

    With `guidance`, (N, 1, H, W) from 0 up, each place counts that much: the guided Gram matrix of Gatys et al. 2017
    (arXiv:1611.07865, eq. 5), their guidance channel being the square root of it.
    """
    mean, second = _Moments.apply(flatten_places(features), normalized_guidance(guidance))
    return mean, second


def gram_matrix(features: Tensor, guidance: Tensor | None = None) -> Tensor:
    """Channel correlations, (C, C): the mean over all places of F Fᵀ.

    Args:
        features: (N, C, H, W); the N images count as one.
        guidance: (N, 1, H, W), how much each place counts.

    Source: Gatys et al. 2016, eq. 3, divided by the number of places, as Johnson et al. 2016 do.

    """
    return raw_moments(features, guidance)[1]


def channel_moments(features: Tensor, guidance: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean (C,) and covariance (C, C) of the channels: the Gram matrix of what is left without the mean.

    Source: the centred Gram matrix of Risser et al. 2017 (arXiv:1701.08893), with the mean kept beside it.
    """
    mean, second = raw_moments(features, guidance)
    return mean, second - torch.outer(mean, mean)


def matrix_root(matrix: Tensor) -> Tensor:
    """The symmetric square root of a covariance matrix."""
    values, vectors = torch.linalg.eigh(decomposable(matrix, torch.float64))
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root.to(matrix)


def wasserstein_gap(covariance: Tensor, target: Tensor, target_root: Tensor) -> Tensor:
    """tr(C + T - 2 (T^½ C T^½)^½): how far Gaussians of one mean have to travel to become each other.

    Source: Olkin & Pukelsheim 1982; for style, crowsonkb/style-transfer-pytorch. By eigenvalues alone, whose
    gradient is stable where those of eigenvectors are not.
    """
    inner = target_root @ covariance @ target_root
    values: Tensor = torch.linalg.eigvalsh(decomposable((inner + inner.T) / 2, inner.dtype))
    between = values.clamp(min=EPSILON).sqrt().sum().to(inner.device)
    return covariance.trace() + target.trace() - 2 * between


def quantiles(features: Tensor, directions: Tensor, count: int, guidance: Tensor | None = None) -> Tensor:
    """(count, D): the distribution of the features along each direction, as `count` evenly spaced quantiles.

    Args:
        features: (N, C, H, W).
        directions: (C, D), of unit length.
        count: How many.
        guidance: (N, 1, H, W), how much each place counts.

    On a GPU the gradient has the same bits every time: equal values keep their order, and the gradient of what is
    picked by indices, unlike that of `gather`, is summed in order.

    Source: sliced Wasserstein loss, Heitz et al. 2021 (arXiv:2006.07229).

    """
    values, order = (flatten_places(features) @ directions).sort(dim=0, stable=True)
    wanted = (torch.arange(count, device=features.device) + 0.5) / count
    shares = normalized_guidance(guidance)
    if shares is None:
        at = (wanted * len(values)).long()[:, None].expand(-1, values.shape[1])
    else:
        reached = shares[:, 0][order].cumsum(0)
        at = torch.searchsorted(reached.T.contiguous(), wanted.expand(values.shape[1], -1).contiguous()).T
    return values[at.clamp(max=len(values) - 1), torch.arange(values.shape[1], device=values.device)]


def relative_error(value: Tensor, target: Tensor) -> Tensor:
    """|value - target|² / |target|²: 0 for equal, 1 for a value of zero."""
    return (value - target).square().sum() / target.square().sum().clamp(min=EPSILON)


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of features over the target's variation; about 2 for unrelated pictures.

    Source: Gatys et al. 2016, eq. 1, normalized.
    """
    return squared_error(features, target) / variation(target)


def variation(features: Tensor) -> Tensor:
    """Mean variance of the channels from place to place, of (N, C, H, W).

    What tells one channel from another tells nothing of what is where: of trained weights it is half of all variance,
    and would have content count half as much. Flat features count as varying by `FLATTEST` of all variance.
    """
    return features.var(dim=(2, 3), correction=0).mean().clamp(min=FLATTEST * features.var(correction=0) + EPSILON)


def squared_error(features: Tensor, target: Tensor, guidance: Tensor | None = None) -> Tensor:
    """Mean squared error; with `guidance`, each place counts that much."""
    error = (features - target).square()
    return error.mean() if guidance is None else (error * guidance).mean()


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, horizontal plus vertical, (N, C, H, W) → scalar.

    Source: Mahendran & Vedaldi 2015 with β = 2; divided by the number of pairs.
    """
    across = image[..., :, 1:] - image[..., :, :-1]
    down = image[..., 1:, :] - image[..., :-1, :]
    return across.square().mean() + down.square().mean()


def temporal_loss(image: Tensor, warped: Tensor, mask: Tensor, trusted: Tensor | None = None) -> Tensor:
    """Penalize `image` for leaving the warped previous output where the flow is trusted.

    Args:
        image: (N, 3, H, W), RGB in [0, 1]; the frame being optimized.
        warped: Same shape; the previous stylized frame, warped to this one.
        mask: (N, 1, H, W) in [0, 1]; 0 where disoccluded or beyond the border.
        trusted: (), how many pixels the sum is divided by; the sum of `mask` by default.

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
    return (mask * error).sum() / (mask.sum() if trusted is None else trusted).clamp(min=1.0)


def temporal_stiffness(mask: Tensor, trusted: Tensor | None = None) -> Tensor:
    """The second derivative of `temporal_loss` by each pixel's channels, like `mask` (N, 1, H, W)."""
    return mask * (2 / 3 / (mask.sum() if trusted is None else trusted).clamp(min=1.0))


def range_loss(image: Tensor) -> Tensor:
    """Mean squared distance of pixels to [0, 1]: what no screen can show should not carry the style."""
    return (image - image.clamp(0, 1)).square().mean()
