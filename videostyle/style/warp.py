"""Sampling a picture along a flow."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Move the previous picture to where this frame sees it: out(p) = image(p + flow(p)).

    Args:
        image: (1, C, H, W); the previous picture.
        flow: (1, 2, H, W), pixels (dx, dy); the backward flow, this frame → previous.

    Bicubic, since frames are warped again and again and linear sampling would blur them. Beyond the frame
    the picture is mirrored: brush strokes, where repeating the border would smear them into lines.

    """
    h, w = image.shape[2:]
    ys = torch.arange(h, device=flow.device, dtype=flow.dtype)
    xs = torch.arange(w, device=flow.device, dtype=flow.dtype)
    x = (xs + flow[:, 0]) * (2 / max(w - 1, 1)) - 1
    y = (ys[:, None] + flow[:, 1]) * (2 / max(h - 1, 1)) - 1
    grid = torch.stack([x, y], dim=-1)
    return F.grid_sample(image, grid, mode="bicubic", padding_mode="reflection", align_corners=True)
