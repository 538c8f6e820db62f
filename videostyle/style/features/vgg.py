"""VGG19: an image → its activations by name (Simonyan & Zisserman 2015, arXiv:1409.1556)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from videostyle.style import onednn
from videostyle.style.features.layers import CONVOLUTIONS, layer_name

Pooling = Literal["average", "max", "l2"]

CHANNELS = (64, 128, 256, 512, 512)
RESPONSE = {"max": 1.0, "average": 2.0, "l2": 0.78}  # evens out the poolings, as in crowsonkb/style-transfer-pytorch
_WAYS = ((1, 0), (0, 1), (1, 1), (1, -1))  # directions of stripes
LARGEST = 16.0  # of the activations that half precision is given; its own largest is 65504
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as torchvision normalizes


def shapes() -> dict[str, tuple[int, int, int, int]]:
    """The weight shape of each convolution by name: `{"1_1": (64, 3, 3, 3), ...}`."""
    found, inputs = {}, 3
    for name in CONVOLUTIONS:
        outputs = CHANNELS[int(name[0]) - 1]
        found[name], inputs = (outputs, inputs, 3, 3), outputs
    return found


@dataclass(frozen=True, eq=False)
class Convolution:
    """Weight, bias, and what its response has to be multiplied by to have its true size."""

    weight: Tensor
    bias: Tensor
    size: float = 1.0

    def response(self, x: Tensor) -> Tensor:
        """relu(convolution) of (N, I, H + 2, W + 2), which has its borders."""
        return F.conv2d(x, self.weight, self.bias).relu_()

    def input_gradient(self, gradient: Tensor) -> Tensor:
        """The gradient by the input, with its borders, of (N, O, H, W), that by the convolution."""
        n, _, h, w = gradient.shape
        shaped = gradient.new_empty((n, h + 2, w + 2, self.weight.shape[1])).permute(0, 3, 1, 2)  # nobody reads it
        found: Tensor = torch.ops.aten.convolution_backward(
            gradient, shaped, self.weight, None, (1, 1), (0, 0), (1, 1), False, (0, 0), 1, (True, False, False)
        )[0]
        return found


@dataclass(frozen=True, eq=False)
class OneDNNConvolution(Convolution):
    """The same bits by oneDNN: the gradient is the convolution with the weight turned around."""

    back: Tensor = field(kw_only=True)

    @classmethod
    def of(cls, plain: Convolution) -> OneDNNConvolution:
        around = plain.weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)
        return cls(onednn.pack_weight(plain.weight, 0), plain.bias, plain.size, back=onednn.pack_weight(around, 2))

    def response(self, x: Tensor) -> Tensor:
        return onednn.conv2d(x, self.weight, self.bias, 0, "relu")

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return onednn.conv2d(gradient, self.back, None, 2)


class _ConvReLU(torch.autograd.Function):
    """A convolution's response to a picture whose border is repeated once on each side.

    In one piece it keeps its response and nothing else until the gradient is asked for: the weights have none, so
    that the padded input, which torch's own convolution keeps, is of no use. The gradient is deterministic on CUDA,
    which that of torch's own padding is not.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, convolution: Convolution) -> Tensor:
        response = convolution.response(_pad_replicate(x))
        ctx.save_for_backward(response)
        ctx.convolution = convolution
        return response

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (response,) = ctx.saved_tensors
        gradient = torch.ops.aten.threshold_backward(grads[0], response, 0)
        return _fold_padding(ctx.convolution.input_gradient(gradient)), None


def _pad_replicate(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    out = x.new_empty((n, h + 2, w + 2, c)).permute(0, 3, 1, 2)
    out[..., 1:-1, 1:-1] = x
    out[..., 1:-1, 0], out[..., 1:-1, -1] = x[..., 0], x[..., -1]
    out[..., 0, :], out[..., -1, :] = out[..., 1, :], out[..., -2, :]
    return out


def _fold_padding(gradient: Tensor) -> Tensor:
    """The gradient of `_pad_replicate`: what lies on the border is added to where it came from, in place."""
    rows = gradient[..., 1:-1, :]
    rows[..., 0, :].add_(gradient[..., 0, :])  # `+=` on an index would copy the sum onto itself
    rows[..., -1, :].add_(gradient[..., -1, :])
    inside = rows[..., 1:-1]
    inside[..., 0].add_(rows[..., 0])
    inside[..., -1].add_(rows[..., -1])
    return inside


def _pool(x: Tensor, pooling: Pooling) -> Tensor:
    h, w = x.shape[2:]
    if min(h, w) < 2:
        x = F.pad(x, (0, int(w < 2), 0, int(h < 2)), mode="replicate")
    if pooling == "l2":  # in float32: half precision knows no square below 6e-8, and no gradient of its root
        return (4 * F.avg_pool2d(x.float().square(), 2) + 1e-12).sqrt().to(x.dtype)
    average: Tensor = _AveragePool.apply(x) if pooling == "average" else F.max_pool2d(x, 2)
    return average


class _AveragePool(torch.autograd.Function):
    """2x2 average pooling whose gradient is an enlargement: torch's own took 15 % of a step on an H200."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.odd = x.shape[2] % 2, x.shape[3] % 2
        return F.avg_pool2d(x, 2)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        down, right = ctx.odd
        gradient = F.interpolate(grads[0] / 4, scale_factor=2.0, mode="nearest")
        return F.pad(gradient, (0, right, 0, down)) if down or right else gradient


class VGG19:
    """The convolutional part of VGG19, evaluated only as deep as it is asked.

    Args:
        weights: torchvision's names, `features.0.weight` ..., for ImageNet-normalized input.
            At least as many convolutions as the deepest activation that will be asked for.
        pooling: Average suits the built-in weights, max the trained ones.
        device: Where to compute.
        native: The pooling that the weights were made with; another one is scaled to be as strong.
        dtype: What the body computes in. Images, activations and gradients that go in and out are float32, and so is
            the first convolution: half precision rounds a smooth picture to steps, which filters take for detail.

    Borders are replicated before every convolution, so that no frame edge is drawn into the features.

    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        pooling: Pooling,
        device: torch.device | str = "cpu",
        *,
        native: Pooling | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.pooling, self.dtype = pooling, dtype
        self._gain = RESPONSE[pooling] / RESPONSE[native or pooling]
        self._body = list(_convolutions(weights, torch.device(device)))
        if dtype == torch.float16:
            self._body = list(_rescaled(self._body, self._largest()))
        if dtype != torch.float32:
            self._body[1:] = [Convolution(c.weight.to(dtype), c.bias.to(dtype), c.size) for c in self._body[1:]]
        self._body = [OneDNNConvolution.of(c) if onednn.supports(c.weight) else c for c in self._body]

    def __call__(self, image: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        """Activations of `image`, (N, 3, H, W) RGB in [0, 1], by the names asked for, in float32."""
        wanted = {layer_name(name): name for name in names}
        found: dict[str, Tensor] = {}
        for name, response, size in self._responses(image):
            if name in wanted:
                found[wanted[name]] = response.float() * size if size != 1 else response.float()
            if len(found) == len(wanted):
                break
        return found

    def _responses(self, image: Tensor) -> Iterator[tuple[str, Tensor, float]]:
        """Each activation's name, its values, and what they have to be multiplied by."""
        x = image.contiguous(memory_format=torch.channels_last)
        for name, layer in zip(CONVOLUTIONS, self._body, strict=False):
            x = x.to(layer.bias.dtype)
            if name.endswith("_1") and name != "1_1":
                x = _pool(x, self.pooling)
                x = x if self._gain == 1 else x * self._gain
            x = _ConvReLU.apply(x, layer)
            yield f"relu{name}", x, layer.size

    @torch.no_grad()
    def _largest(self) -> list[float]:
        """The largest activation of each convolution over pictures that drive them hard: noise, stripes, checkers."""
        rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
        waves = [torch.ones(64, 64), *((rows * a + columns * b) // p % 2 for a, b in _WAYS for p in (1, 2, 4, 8))]
        plain = torch.stack([wave.float() for wave in waves])[:, None].expand(-1, 3, -1, -1)
        tints = torch.eye(3)[:, :, None, None] * plain[1][None]
        noise = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        hard = torch.cat([plain, 1 - plain, tints, noise]).to(self._body[0].weight.device)
        return [float(response.max()) for _, response, _ in self._responses(hard)]


def _rescaled(body: Iterable[Convolution], largest: Iterable[float]) -> Iterator[Convolution]:
    """The same network with every activation near `LARGEST`: ReLU and pooling do not mind a positive factor."""
    before = 1.0
    for layer, most in zip(body, largest, strict=True):
        size = 2.0 ** round(math.log2(max(most, 1e-6) / LARGEST))
        yield Convolution(layer.weight * (before / size), layer.bias / size, size)
        before = size


def _convolutions(weights: Mapping[str, Tensor], device: torch.device) -> Iterator[Convolution]:
    """Each convolution there is, ImageNet's normalization folded into the first."""
    for name, index in torchvision_indices().items():
        if f"features.{index}.weight" not in weights:
            return
        weight = weights[f"features.{index}.weight"].float()
        bias = weights[f"features.{index}.bias"].float()
        if name == "1_1":
            bias = bias - (weight.sum((2, 3)) @ (torch.tensor(MEAN) / torch.tensor(STD)))
            weight = weight / torch.tensor(STD).view(1, 3, 1, 1)
        weight = weight.to(device).contiguous(memory_format=torch.channels_last)
        yield Convolution(weight.requires_grad_(False), bias.to(device).requires_grad_(False))


def torchvision_indices() -> dict[str, int]:
    """Where torchvision's `vgg19().features` keeps each convolution: `{"1_1": 0, ..., "5_4": 34}`."""
    found, index = {}, 0
    for name in CONVOLUTIONS:
        index += 1 if name.endswith("_1") and name != "1_1" else 0
        found[name] = index
        index += 2
    return found
