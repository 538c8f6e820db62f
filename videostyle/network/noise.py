"""Noise that moves along with the picture: strokes appear where it is, and so they move along as well.

What is carried from frame to frame is a displacement and not the noise: it is smooth, so that no warp blurs it, and
beyond a border it goes on as at the border, so that what enters a pan is no patchwork.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

TILE = 256  # side of the noise in pixels, beyond which it begins again
GRAINS = (2.0, 6.0, 16.0)  # sizes of its blobs in pixels, of a picture 128 pixels wide: one for each channel
SQUEEZED, STRETCHED = -0.5, 1.0  # change of the displacement from pixel to pixel beyond which a place begins anew


def noise_tile(size: int, seed: int) -> Tensor:
    """Return periodic noise, (1, 3, TILE, TILE) of deviation 1, for frames whose longest side has `size` pixels."""
    generator = torch.Generator().manual_seed(seed)
    frequency = torch.hypot(torch.fft.fftfreq(TILE)[:, None], torch.fft.rfftfreq(TILE)[None])
    planes = []
    for grain in GRAINS:
        white = torch.fft.rfft2(torch.randn(TILE, TILE, generator=generator))
        plane = torch.fft.irfft2(white * torch.exp(-((frequency * grain * size / 64) ** 2)), s=(TILE, TILE))
        planes.append(plane / plane.std())
    return torch.stack(planes)[None]


def no_displacement(like: Tensor) -> Tensor:
    """Return the displacement, (1, 2, H, W), of the first frame of a shot."""
    return like.new_zeros(1, 2, *like.shape[2:])


def moved_displacement(displacement: Tensor, flow: Tensor) -> Tensor:
    """Return the displacement of a frame, from that of the frame before it and the flow between, (1, 2, H, W) each.

    Where it squeezes or stretches the noise beyond recognition, the noise begins anew.
    """
    h, w = flow.shape[2:]
    y, x = _pixels(flow)
    grid = torch.stack([(x + flow[:, 0]) / max(w - 1, 1), (y + flow[:, 1]) / max(h - 1, 1)], dim=-1) * 2 - 1
    moved = F.grid_sample(displacement, grid, mode="bilinear", padding_mode="border", align_corners=True) + flow
    strain = torch.stack([_slope(moved[:, 0], 2), _slope(moved[:, 1], 1)])
    even = (strain.amin(0) > SQUEEZED) & (strain.amax(0) < STRETCHED)
    return moved * even[:, None]


def _slope(plane: Tensor, dim: int) -> Tensor:
    """Return how much a plane, (1, H, W), changes from pixel to pixel; nothing if it has one."""
    return torch.gradient(plane, dim=dim)[0] if plane.shape[dim] > 1 else torch.zeros_like(plane)


def sampled(tile: Tensor, displacement: Tensor) -> Tensor:
    """Return the noise, (1, 3, H, W), where a displacement, (1, 2, H, W), has taken it."""
    side = tile.shape[-1]
    y, x = _pixels(displacement)
    grid = torch.stack([(x + displacement[:, 0]) % side, (y + displacement[:, 1]) % side], dim=-1) * (2 / side) - 1
    return F.grid_sample(F.pad(tile, (0, 1, 0, 1), mode="circular"), grid, mode="bilinear", align_corners=True)


def _pixels(like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows, (H, 1), and columns, (W), of a tensor's pixels."""
    h, w = like.shape[2:]
    return torch.arange(h, device=like.device)[:, None].to(like), torch.arange(w, device=like.device).to(like)
