"""Transparency: colors without what hides behind it, and pictures without it."""

from __future__ import annotations

import numpy as np

from videostyle.frames import Pixels, Samples


def filled(pixels: Pixels, alpha: Samples) -> Pixels:
    """The picture with the nearest seen colors, averaged the more the farther, where it is fully transparent.

    What an editor left there unseen cannot show through then, and no outline of white or black forms.

    Args:
        pixels: (H, W, 3), not multiplied by alpha.
        alpha: (H, W), same dtype.

    """
    hidden = alpha == 0
    if not hidden.any():
        return pixels
    if hidden.all():
        return np.full_like(pixels, np.iinfo(pixels.dtype).max)
    grown = _grown(pixels.astype(np.float32), (~hidden).astype(np.float32))
    return np.where(hidden[..., None], grown.round().astype(pixels.dtype), pixels)


def _grown(colors: Samples, seen: Samples) -> Samples:
    """(H, W, 3) with every place of no weight in (H, W) `seen` taken from the picture at half size, and so on."""
    if seen.all():
        return colors
    h, w = seen.shape
    edges = (0, h % 2), (0, w % 2)
    weight = np.pad(seen, edges).reshape((h + 1) // 2, 2, (w + 1) // 2, 2)
    total = np.pad(colors * seen[..., None], (*edges, (0, 0))).reshape(*weight.shape, 3).sum((1, 3))
    count = weight.sum((1, 3))
    half = _grown(total / np.maximum(count, 1)[..., None], (count > 0).astype(np.float32))
    return np.where(seen[..., None] > 0, colors, half.repeat(2, 0).repeat(2, 1)[:h, :w])


def multiplied_out(colors: Samples, alpha: Samples) -> Samples:
    """Colors that were stored multiplied by alpha, (H, W, C), as they are without it."""
    full = float(np.iinfo(colors.dtype).max)
    whole = colors * (full / np.maximum(alpha, 1)[..., None])
    return whole.round().clip(0, full).astype(colors.dtype)


def on_white(pixels: Pixels, alpha: Samples | None) -> Pixels:
    """The picture laid on white paper; as it is without alpha."""
    if alpha is None:
        return pixels
    full = float(np.iinfo(pixels.dtype).max)
    opaque = (alpha / np.float32(full))[..., None]
    return (pixels * opaque + full * (1 - opaque)).round().astype(pixels.dtype)
