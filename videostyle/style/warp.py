"""Sampling a picture along a flow."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from videostyle.style.pixels import resize

FINER = 3  # how much finer a grid the picture is laid out on before it is sampled


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Move the previous picture to where this frame sees it: out(p) = image(p + flow(p)).

    Args:
        image: (1, C, H, W); the previous picture.
        flow: (1, 2, H, W), pixels (dx, dy); the backward flow, this frame → previous.

    Frames are warped again and again, and plain sampling would blur them (linear), or blur fine detail and
    sharpen coarser detail (bicubic). So the picture is laid out by Lanczos on a grid three times finer, and sampled
    linearly there: close to neutral. Beyond the frame it is mirrored: brush strokes, where repeating the border
    would smear them into lines.

    """
    h, w = image.shape[2:]
    finer = resize(image, (FINER * h, FINER * w))
    ys = torch.arange(h, device=flow.device, dtype=flow.dtype)
    xs = torch.arange(w, device=flow.device, dtype=flow.dtype)
    x = (xs + 0.5 + flow[:, 0]) * (2 / w) - 1
    y = (ys[:, None] + 0.5 + flow[:, 1]) * (2 / h) - 1
    grid = torch.stack([x, y], dim=-1)
    return F.grid_sample(finer, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
