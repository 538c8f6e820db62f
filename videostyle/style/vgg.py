"""VGG19: an image → its activations by name (Simonyan & Zisserman 2015, arXiv:1409.1556)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from videostyle.style.layers import CONVOLUTIONS, layer_name

Pooling = Literal["average", "max"]

CHANNELS = (64, 128, 256, 512, 512)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as torchvision normalizes


def shapes() -> dict[str, tuple[int, int, int, int]]:
    """The weight shape of each convolution by name: `{"1_1": (64, 3, 3, 3), ...}`."""
    found, inputs = {}, 3
    for name in CONVOLUTIONS:
        outputs = CHANNELS[int(name[0]) - 1]
        found[name], inputs = (outputs, inputs, 3, 3), outputs
    return found


class _ReplicatePad(torch.autograd.Function):
    """Repeat the border once on each side; unlike torch's own, its gradient is deterministic on CUDA."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        out = x.new_empty((n, h + 2, w + 2, c)).permute(0, 3, 1, 2)
        out[..., 1:-1, 1:-1] = x
        out[..., 1:-1, 0], out[..., 1:-1, -1] = x[..., 0], x[..., -1]
        out[..., 0, :], out[..., -1, :] = out[..., 1, :], out[..., -2, :]
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        rows = grads[0][..., 1:-1, :].clone(memory_format=torch.channels_last)
        rows[..., 0, :] += grads[0][..., 0, :]
        rows[..., -1, :] += grads[0][..., -1, :]
        inside = rows[..., 1:-1]
        inside[..., 0] += rows[..., 0]
        inside[..., -1] += rows[..., -1]
        return inside


def _pool(x: Tensor, pooling: Pooling) -> Tensor:
    return F.avg_pool2d(x, 2) if pooling == "average" else F.max_pool2d(x, 2)


class VGG19:
    """The convolutional part of VGG19, evaluated only as deep as it is asked.

    Args:
        weights: torchvision's names, `features.0.weight` ..., for ImageNet-normalized input.
            At least as many convolutions as the deepest activation that will be asked for.
        pooling: Average suits the built-in weights, max the trained ones.
        device: Where to compute.

    Borders are replicated before every convolution, so that no frame edge is drawn into the features.

    """

    def __init__(self, weights: Mapping[str, Tensor], pooling: Pooling, device: torch.device | str = "cpu") -> None:
        self.pooling = pooling
        self._layers = list(_convolutions(weights, torch.device(device)))

    def __call__(self, image: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        """Activations of `image`, (N, 3, H, W) RGB in [0, 1], by the names asked for."""
        wanted = {layer_name(name): name for name in names}
        found: dict[str, Tensor] = {}
        x = image.contiguous(memory_format=torch.channels_last)
        for name, (weight, bias) in zip(CONVOLUTIONS, self._layers, strict=False):
            if len(found) == len(wanted):
                break
            if name.endswith("_1") and name != "1_1":
                x = _pool(x, self.pooling)
            x = F.relu(F.conv2d(_ReplicatePad.apply(x), weight, bias), inplace=True)
            if f"relu{name}" in wanted:
                found[wanted[f"relu{name}"]] = x
        return found


def _convolutions(weights: Mapping[str, Tensor], device: torch.device) -> Iterable[tuple[Tensor, Tensor]]:
    """Weight and bias of each convolution there is, ImageNet's normalization folded into the first."""
    for name, index in torchvision_indices().items():
        if f"features.{index}.weight" not in weights:
            return
        weight = weights[f"features.{index}.weight"].float()
        bias = weights[f"features.{index}.bias"].float()
        if name == "1_1":
            bias = bias - (weight.sum((2, 3)) @ (torch.tensor(MEAN) / torch.tensor(STD)))
            weight = weight / torch.tensor(STD).view(1, 3, 1, 1)
        yield (
            weight.to(device).contiguous(memory_format=torch.channels_last).requires_grad_(False),
            bias.to(device).requires_grad_(False),
        )


def torchvision_indices() -> dict[str, int]:
    """Where torchvision's `vgg19().features` keeps each convolution: `{"1_1": 0, ..., "5_4": 34}`."""
    found, index = {}, 0
    for name in CONVOLUTIONS:
        index += 1 if name.endswith("_1") and name != "1_1" else 0
        found[name] = index
        index += 2
    return found
