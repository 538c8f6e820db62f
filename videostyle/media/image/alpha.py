"""Transparency: colors without what hides behind it, and images without it."""

from __future__ import annotations

import numpy as np

from videostyle.frames import Pixels, Samples


def fill_hidden(pixels: Pixels, alpha: Samples) -> Pixels:
    """Give fully transparent pixels the nearest visible colors, averaged over more of them the farther they are.

    Nothing that an editor left there unseen can show through then, and no outline of white or black forms.

    Args:
        pixels: (H, W, 3), not multiplied by alpha.
        alpha: (H, W), same dtype.

    """
    hidden = alpha == 0
    if not hidden.any():
        return pixels
    if hidden.all():
        return np.full_like(pixels, np.iinfo(pixels.dtype).max)
    filled = _pull_push(pixels.astype(np.float32), (~hidden).astype(np.float32))
    return np.where(hidden[..., None], filled.round().astype(pixels.dtype), pixels)


def _pull_push(colors: Samples, weight: Samples) -> Samples:
    """Take each pixel of (H, W, 3) whose (H, W) weight is 0 from the image at half size, and so on.

    Source: the pull-push algorithm of Gortler et al. 1996 (The Lumigraph), with box filters.
    """
    if weight.all():
        return colors
    h, w = weight.shape
    edges = (0, h % 2), (0, w % 2)
    blocks = np.pad(weight, edges).reshape((h + 1) // 2, 2, (w + 1) // 2, 2)
    total = np.pad(colors * weight[..., None], (*edges, (0, 0))).reshape(*blocks.shape, 3).sum((1, 3))
    count = blocks.sum((1, 3))
    half = _pull_push(total / np.maximum(count, 1)[..., None], (count > 0).astype(np.float32))
    return np.where(weight[..., None] > 0, colors, half.repeat(2, 0).repeat(2, 1)[:h, :w])


def unpremultiply(colors: Samples, alpha: Samples) -> Samples:
    """Divide (H, W, C) colors that were stored multiplied by alpha (H, W) by it."""
    full = float(np.iinfo(colors.dtype).max)
    divided = colors * (full / np.maximum(alpha, 1)[..., None])
    return divided.round().clip(0, full).astype(colors.dtype)


def on_white(pixels: Pixels, alpha: Samples | None) -> Pixels:
    """Lay (H, W, 3) pixels on white, by alpha (H, W) of the same dtype; None leaves them as they are."""
    if alpha is None:
        return pixels
    full = float(np.iinfo(pixels.dtype).max)
    opacity = (alpha / np.float32(full))[..., None]
    return (pixels * opacity + full * (1 - opacity)).round().astype(pixels.dtype)
