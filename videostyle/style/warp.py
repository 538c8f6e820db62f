"""Sampling a picture along a flow."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from videostyle.style.pixels import resize

FINER = 3  # how much finer a grid the picture is laid out on before it is sampled
AROUND = 3  # pixels of the opposite border around the picture: as far as Lanczos reaches


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Move the previous picture to where this frame sees it: out(p) = image(p + flow(p)).

    Args:
        image: (1, C, H, W); the previous picture.
        flow: (1, 2, H, W), pixels (dx, dy); the backward flow, this frame → previous.

    Frames are warped again and again, and plain sampling would blur them (linear), or blur fine detail and
    sharpen coarser detail (bicubic). So the picture is laid out by Lanczos on a grid three times finer, and sampled
    linearly there: close to neutral. Beyond the frame it goes on from the opposite border: what enters a pan begins as
    the strokes that leave it. Repeated or mirrored, the border would be drawn out into lines, since a pan brings in
    a pixel or less at a time.

    """
    h, w = image.shape[2:]
    wide = F.pad(image, (AROUND,) * 4, mode="circular")
    finer = resize(wide, (FINER * wide.shape[2], FINER * wide.shape[3]))
    ys = torch.arange(h, device=flow.device, dtype=flow.dtype)
    xs = torch.arange(w, device=flow.device, dtype=flow.dtype)
    x = (xs + 0.5 + flow[:, 0]).remainder(w) + AROUND
    y = (ys[:, None] + 0.5 + flow[:, 1]).remainder(h) + AROUND
    grid = torch.stack([x * (2 / wide.shape[3]), y * (2 / wide.shape[2])], dim=-1) - 1
    return F.grid_sample(finer, grid, mode="bilinear", padding_mode="border", align_corners=False)
