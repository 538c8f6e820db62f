"""The network that paints a frame in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 64  # channels at quarter size
DILATIONS = (1, 2, 4, 2, 1)  # of the blocks: how many pixels at quarter size lie between the taps of a convolution
NOISE_CHANNELS = 3
SHRINK = 4  # how much smaller the body's pictures are, on each side


@dataclass(frozen=True)
class Shape:
    """How large a network is.

    Args:
        width: Channels at quarter size.
        dilations: Of its blocks, one after another.

    """

    width: int = WIDTH
    dilations: tuple[int, ...] = DILATIONS


USUAL_SHAPE = Shape()


class StyleNetwork(nn.Module):
    """Paints frames, (N, 3, H, W) in [0, 1], with noise, (N, 3, H, W), of any size.

    What it adds to a frame is worked out at quarter size; at full size there are two thin convolutions alone. Without
    noise it would draw the same stroke at every place of a flat area. Source: Johnson et al. 2016 (arXiv:1603.08155),
    with the batch's statistics frozen and folded, and noise as in Texler et al. 2020 (arXiv:2004.14489).

    Args:
        shape: How large it is.
        normalized: It has its batch norms; without, they are folded into the convolutions.

    """

    def __init__(self, shape: Shape = USUAL_SHAPE, *, normalized: bool = True) -> None:
        super().__init__()
        self.shape = shape
        seen = 3 + NOISE_CHANNELS
        self.stem = _Layer(seen * SHRINK**2, shape.width, normalized=normalized)
        self.body = nn.Sequential(*(_Block(shape.width, d, normalized=normalized) for d in shape.dilations))
        self.up = _Layer(shape.width, 32, normalized=normalized)
        self.middle = _convolution(32, 16)
        self.side = _convolution(seen, 16)
        self.last = _convolution(16, 3)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(cast(Tensor, self.last.bias))

    def forward(self, frame: Tensor, noise: Tensor) -> Tensor:
        """Return the painted frame; half precision is for what is added alone, or a smooth picture becomes steps."""
        h, w = frame.shape[2:]
        seen = torch.cat([frame - 0.5, noise], 1)
        seen = F.pad(seen, (0, -w % SHRINK, 0, -h % SHRINK), mode="replicate").to(self.last.weight.dtype)
        x = self.body(F.relu(self.stem(F.pixel_unshuffle(seen, SHRINK))))
        x = self.middle(F.relu(self.up(_enlarged(x))))
        added: Tensor = self.last(F.relu(_enlarged(x) + self.side(seen)))
        return frame + added[..., :h, :w].to(frame.dtype)


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int, *, normalized: bool) -> None:
        super().__init__()
        self.first = _Layer(width, width, dilation, normalized=normalized)
        self.second = _Layer(width, width, normalized=normalized)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.second(F.relu(self.first(x)))
        return x + added


class _Layer(nn.Module):
    """A convolution and its batch norm."""

    def __init__(self, before: int, after: int, dilation: int = 1, *, normalized: bool) -> None:
        super().__init__()
        self.convolution = _convolution(before, after, dilation)
        self.norm: nn.Module = nn.BatchNorm2d(after) if normalized else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.norm(self.convolution(x))
        return found

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return the weight and bias of the convolution that does both."""
        weight, bias, found = self.convolution.weight, self.convolution.bias, self.norm.state_dict()
        if not found:
            return weight, cast(Tensor, bias)
        gain = found["weight"] / (found["running_var"] + cast(nn.BatchNorm2d, self.norm).eps).sqrt()
        return weight * gain.view(-1, 1, 1, 1), (bias - found["running_mean"]) * gain + found["bias"]


def _convolution(before: int, after: int, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation, padding_mode="replicate")


def _enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


@torch.no_grad()
def folded(network: StyleNetwork) -> StyleNetwork:
    """Return the same function with every batch norm inside the convolution before it."""
    plain = StyleNetwork(network.shape, normalized=False)
    plain.load_state_dict(network.state_dict(), strict=False)
    layers = dict(plain.named_modules())
    for name, layer in network.named_modules():
        into = layers.get(name)
        if isinstance(layer, _Layer) and isinstance(into, _Layer):
            weight, bias = layer.folded()
            into.convolution.weight.copy_(weight)
            cast(Tensor, into.convolution.bias).copy_(bias)
    return plain.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def weights_of(shape: Shape) -> dict[str, Sequence[int]]:
    """Return the names and shapes of a network's tensors."""
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in StyleNetwork(shape).state_dict().items()}
