"""VGG19 weights computed from a rule: no training, no download, no picture.

Random weights carry colors but no strokes. This rule lays the channels of every convolution out as a steerable
pyramid with a second, rectified order (after Portilla & Simoncelli 2000 and the scattering transform of Bruna &
Mallat 2013), inside VGG19's own topology and with average pooling:

- channels 0-5 carry the picture itself: three opponent colors, each plus and minus, so that ReLU loses nothing,
  blurred before every pooling. Every depth sees the picture at its own scale;
- the next share are oriented edges and lines of that picture, in many directions and color mixes;
- the rest take one rectified response from below and pass, blur or filter it again.

Each filter is a mix of the channels below, one row of `Layer.mix`, seen through one 3×3 kernel. All channels but the
first six are scaled and shifted to zero mean and unit deviation before ReLU on dead leaves in the colors of
photographs. The arithmetic is float64, rounded to a grid far coarser than its error, so that one version of the rule
gives the same bits on every machine.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from videostyle.style.features import vgg

VERSION = 1  # of the rule: any change of the bits is a new version
DIGEST = "477d9b369e4e3067"  # of that version's weights, on every machine
CARRIED = 6  # channels that carry the picture
ORIENTED_SHARE = 0.65
GOLDEN = (math.sqrt(5) - 1) / 2

_F64 = torch.float64
_OPPONENT = F.normalize(
    torch.tensor([[1, 1, 1], [1, -1, 0], [0.5, 0.5, -1]], dtype=_F64), dim=1
)  # luma, red-green, yellow-blue
_DELTA = F.pad(torch.ones(1, 1, dtype=_F64), (1, 1, 1, 1))
_BLUR = torch.tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]], dtype=_F64) / 16
_PHOTOGRAPHIC = torch.tensor([[0.27, 0, 0.05], [0.27, -0.05, 0], [0.27, 0.04, -0.05]], dtype=_F64)  # colors' covariance
_SIZE, _IMAGES, _LEAVES, _TEXTURE, _GAIN = 160, 3, 1500, 0.25, 3.0


@dataclass(frozen=True, eq=False)
class Layer:
    """One convolution before calibration; its numbers have few bits, so that their products are exact."""

    mix: Tensor  # (out, in)
    kernel: Tensor  # (out, 3, 3)

    def weight(self, scale: Tensor) -> Tensor:
        """(out, in, 3, 3), calibrated: scale[o] · mix[o, i] · kernel[o]."""
        return self.mix[:, :, None, None] * (scale.view(-1, 1, 1) * self.kernel)[:, None]

    def respond(self, planes: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H, W), borders replicated; what a convolution with `weight(1)` gives."""
        mixed = torch.einsum("oi,nihw->nohw", self.mix, planes)
        padded = F.pad(mixed, (1, 1, 1, 1), mode="replicate")
        h, w = planes.shape[2:]
        out = torch.zeros_like(mixed)
        for dy in range(3):
            for dx in range(3):
                out += self.kernel[:, dy, dx].view(1, -1, 1, 1) * padded[..., dy : dy + h, dx : dx + w]
        return out


def state_dict() -> dict[str, Tensor]:
    """All sixteen convolutions under torchvision's names, float32, for ImageNet-normalized input."""
    planes = (_dead_leaves() - _column(vgg.MEAN)) / _column(vgg.STD)
    found: dict[str, Tensor] = {}
    for (name, index), layer in zip(vgg.torchvision_indices().items(), _layers(), strict=True):
        if name.endswith("_1") and name != "1_1":
            planes = F.avg_pool2d(planes, 2)
        response = layer.respond(planes)
        scale, shift = _calibration(response)
        planes = F.relu(response * _column(scale) + _column(shift))
        found[f"features.{index}.weight"] = layer.weight(scale).float()
        found[f"features.{index}.bias"] = shift.float()
    return found


def _layers() -> Iterator[Layer]:
    names = list(vgg.shapes())
    for number, (name, (outputs, inputs, _, _)) in enumerate(vgg.shapes().items()):
        before_pooling = number + 1 < len(names) and names[number + 1][0] != name[0]
        yield _layer(outputs, inputs, _BLUR if before_pooling else _DELTA, number)


def _layer(outputs: int, inputs: int, keep: Tensor, number: int) -> Layer:
    """Carried, then oriented, then second-order channels; the first layer has no second order."""
    first = inputs == 3
    oriented = outputs if first else CARRIED + int((outputs - CARRIED) * ORIENTED_SHARE)
    colors = _OPPONENT if first else _carried_colors(inputs)
    rows = [(sign * colors[c], keep) for c in range(3) for sign in (1.0, -1.0)]
    rows += [_oriented_row(j, colors) for j in range(oriented - CARRIED)]
    rows += [_second_order_row(j, inputs, number) for j in range(outputs - oriented)]
    return Layer(_grid(torch.stack([mix for mix, _ in rows])), _grid(torch.stack([kernel for _, kernel in rows])))


def _carried_colors(inputs: int) -> Tensor:
    """(3, in): the three opponent colors, each put together again from its plus and minus channel."""
    colors = torch.zeros(3, inputs, dtype=_F64)
    for c in range(3):
        colors[c, 2 * c], colors[c, 2 * c + 1] = 1, -1
    return colors


def _oriented_row(j: int, colors: Tensor) -> tuple[Tensor, Tensor]:
    sign = 1.0 if (j // 2) % 2 else -1.0
    kernel = sign * _oriented(2 * math.pi * GOLDEN * j, even=bool(j % 2))
    return _color_mix(j) @ colors, kernel


def _second_order_row(j: int, inputs: int, number: int) -> tuple[Tensor, Tensor]:
    """Pass (10 %), blur (20 %) or filter (70 %) one rectified channel from below."""
    source, angle, choice, polarity = _spread(j, 4, number)
    mix = torch.zeros(inputs, dtype=_F64)
    mix[CARRIED + int(source * (inputs - CARRIED))] = 1.0 if polarity < 0.7 else -1.0
    if choice < 0.1:
        return mix, _DELTA
    if choice < 0.3:
        return mix, 2 * _BLUR
    return mix, _oriented(2 * math.pi * angle, even=choice < 0.65)


def _oriented(angle: float, *, even: bool) -> Tensor:
    """A 3×3 odd (edge) or even (line) filter across a direction: zero mean, unit norm."""
    y, x = torch.meshgrid(*[torch.arange(-1, 2, dtype=_F64)] * 2, indexing="ij")
    u = x * math.cos(angle) + y * math.sin(angle)
    kernel = (u * u - 0.5 if even else u) * torch.exp(-(x * x + y * y) / 1.2)
    kernel = kernel - kernel.mean()
    unit: Tensor = kernel / kernel.norm()
    return unit


def _color_mix(j: int) -> Tensor:
    """A direction in opponent color space, mostly luma."""
    a, b = _spread(j, 2, 0)
    z, turn = 2 * a - 1, 2 * math.pi * b
    r = 0.2 * math.sqrt(1 - z * z)
    mix = torch.tensor([z, r * math.cos(turn), r * math.sin(turn)], dtype=_F64)
    unit: Tensor = mix / mix.norm()
    return unit


def _spread(j: int, dimensions: int, shift: int) -> list[float]:
    """The j-th point of Roberts' R-sequence in [0, 1): even in every dimension and in all of them together."""
    root = 2.0
    for _ in range(64):
        root = (1 + root) ** (1 / (dimensions + 1))
    return [(0.5 + (j + 1) * root**-k + shift * GOLDEN) % 1.0 for k in range(1, dimensions + 1)]


def _dead_leaves() -> Tensor:
    """(N, 3, H, W) in [0, 1]: discs of all sizes over each other, textured with 1/f noise, in photographs' colors.

    Occlusion gives the edges and flat places that natural images have and noise has not (Lee, Mumford & Huang 2001).
    """
    rng = np.random.RandomState(0)  # its streams never change, unlike those of newer generators
    leaves = torch.from_numpy(np.stack([_leaves(rng) for _ in range(_IMAGES)])).permute(0, 3, 1, 2)
    mixed = math.sqrt(1 - _TEXTURE**2) * leaves + _TEXTURE * _pink_noise(rng)
    return (torch.einsum("ij,njhw->nihw", _PHOTOGRAPHIC, mixed) * 0.85 + 0.47).clamp(0, 1)


def _leaves(rng: np.random.RandomState) -> NDArray[np.float64]:
    """(H, W, 3), unit deviation: discs with radii r distributed as r⁻³, the later over the earlier."""
    at = np.arange(_SIZE)
    image = np.zeros((_SIZE, _SIZE, 3))
    smallest, largest = 2.0, _SIZE / 2
    for _ in range(_LEAVES):
        share, cy, cx = rng.random_sample(3)
        radius = (smallest**-2 + share * (largest**-2 - smallest**-2)) ** -0.5
        cy, cx = (c * (_SIZE + 2 * radius) - radius for c in (cy, cx))
        window = tuple(slice(*np.searchsorted(at, (c - radius, c + radius))) for c in (cy, cx))
        inside = (at[window[0], None] - cy) ** 2 + (at[window[1]] - cx) ** 2 < radius**2
        image[window][inside] = rng.standard_normal(3)
    return image


def _pink_noise(rng: np.random.RandomState) -> Tensor:
    """(N, 3, H, W), zero mean and unit deviation, amplitude 1/f."""
    white = torch.from_numpy(rng.random_sample((_IMAGES, 3, _SIZE, _SIZE)) - 0.5)
    fy, fx = torch.fft.fftfreq(_SIZE, dtype=_F64), torch.fft.rfftfreq(_SIZE, dtype=_F64)
    frequency = torch.hypot(fy[:, None], fx[None]).clamp(min=1 / _SIZE)
    pink = torch.fft.irfft2(torch.fft.rfft2(white) / frequency, s=white.shape[2:])
    unit: Tensor = (pink - pink.mean((2, 3), keepdim=True)) / pink.std((2, 3), keepdim=True)
    return unit


def _calibration(response: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and shift per channel to zero mean and unit deviation; the carried picture stays as it is.

    No channel is amplified more than `_GAIN` times: what hardly answers to pictures would drown the rest where it does.
    """
    deviation = response.std((0, 2, 3)).clamp(min=1 / _GAIN)
    mean = response.mean((0, 2, 3))
    deviation[:CARRIED], mean[:CARRIED] = 1, 0
    scale = _grid(1 / deviation)
    return scale, _grid(-mean * scale)


def _grid(value: Tensor) -> Tensor:
    """Round to 14 significant bits: no last-digit difference between math libraries survives."""
    mantissa, exponent = torch.frexp(value)
    return torch.ldexp((mantissa * 2**14).round(), exponent - 14)


def _column(values: tuple[float, ...] | Tensor) -> Tensor:
    return torch.as_tensor(values, dtype=_F64).view(1, -1, 1, 1)


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return weights in short: 16 hexadecimal digits of the SHA-256 of their names and bits."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode() + tensors[name].numpy().tobytes())
    return found.hexdigest()[:16]
