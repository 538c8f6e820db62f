"""Pixels ↔ tensors, and pictures at other sizes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from videostyle.frames import Pixels, Plane

Depth = np.dtype[np.unsignedinteger[np.typing.NBitBase]]


def to_tensor(pixels: Pixels, device: torch.device | str = "cpu") -> Tensor:
    """(H, W, 3) of an unsigned integer type → (1, 3, H, W) float32 in [0, 1]."""
    full = float(np.iinfo(pixels.dtype).max)
    moved = _to_device(torch.tensor(np.ascontiguousarray(pixels)), device)
    return (moved.float() / full).permute(2, 0, 1)[None]


def mask_to_tensor(plane: Plane, device: torch.device | str = "cpu") -> Tensor:
    """(H, W) → (1, 1, H, W) float32."""
    return _to_device(torch.tensor(np.ascontiguousarray(plane), dtype=torch.float32), device)[None, None]


def flow_to_tensor(flow: Plane, device: torch.device | str = "cpu") -> Tensor:
    """(H, W, 2) → (1, 2, H, W) float32."""
    return _to_device(torch.from_numpy(flow), device).permute(2, 0, 1)[None]


def _to_device(tensor: Tensor, device: torch.device | str) -> Tensor:
    """The tensor on a device, which is not waited for."""
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def copy_to_cpu(tensor: Tensor) -> Callable[[], Tensor]:
    """Begin to bring a tensor to the CPU; what is returned waits for it, and may do so in another thread."""
    if tensor.device.type != "cuda":
        return lambda: tensor
    here = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    here.copy_(tensor, non_blocking=True)
    arrived = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    arrived.record(torch.cuda.current_stream(tensor.device))

    def wait() -> Tensor:
        arrived.synchronize()
        return here

    return wait


def to_levels(image: Tensor, dtype: Depth) -> Tensor:
    """(1, 3, H, W) → (H, W, 3) integers; values outside [0, 1] are clipped, the rest rounded, never truncated."""
    full = np.iinfo(dtype).max
    scaled = (image[0].detach().clamp(0, 1) * float(full)).round().permute(1, 2, 0)
    return scaled.to(torch.uint8 if full == 255 else torch.int32).contiguous()


def to_pixels(image: Tensor, dtype: Depth) -> Pixels:
    """(1, 3, H, W) → (H, W, 3), as `to_levels` has it."""
    pixels: Pixels = to_levels(image, dtype).cpu().numpy().astype(dtype, copy=False)
    return pixels


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, H, W) → (N, C, *size) by Lanczos-3 filtering, as Pillow does it: sharp, without aliasing."""
    if tuple(image.shape[2:]) == size:
        return image
    rows, columns = (_lanczos(image.shape[d], size[d - 2], image.dtype, image.device) for d in (2, 3))
    for weights in (rows, columns):
        if weights.is_cuda:  # they may have been made on another thread's stream
            weights.record_stream(torch.cuda.current_stream(weights.device))
    return rows @ image @ columns.T


@lru_cache(maxsize=8)  # every frame asks for the same few; those of 1080p take 0.7 s of a CPU
def _lanczos(before: int, after: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(after, before): each row holds the weights of the old pixels in one new pixel."""
    stretch = max(before / after, 1.0)
    centre = (torch.arange(after, dtype=torch.float64) + 0.5) * before / after - 0.5
    distance = (torch.arange(before, dtype=torch.float64) - centre[:, None]) / stretch
    weights = torch.sinc(distance) * torch.sinc(distance / 3) * (distance.abs() < 3)
    return (weights / weights.sum(1, keepdim=True)).to(device, dtype)


def scaled_size(image: Tensor, longest: float) -> tuple[int, int]:
    """(H, W) of `image` with its longest side made `longest` pixels."""
    h, w = image.shape[2:]
    return max(1, round(h * longest / max(h, w))), max(1, round(w * longest / max(h, w)))
