"""How near a frame is to the style and to its content, in features of VGG19. The one place here that needs torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from videostyle.frames import Pixels
from videostyle.measure.quality.compare import FeatureLosses
from videostyle.style.device import choose_device
from videostyle.style.features.vgg import VGG19
from videostyle.style.features.weights import load
from videostyle.style.objective import losses
from videostyle.style.pixels import resize, scaled_size, to_tensor

Statistics = Mapping[str, tuple[Tensor, Tensor]]  # mean and covariance by layer

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")  # part of the definition, not a default
CONTENT_LAYERS = ("relu4_2",)
DRAWING_LAYER = "relu3_1"


@dataclass(frozen=True, eq=False)
class FeatureLossMeter:
    """Finds both losses from one look of the network at the content and one at the output.

    Args:
        network: VGG19.
        device: Where it is.
        style: What is asked for, from `style_statistics`.
        identity: Of the weights; losses under other weights are other numbers.

    """

    network: VGG19
    device: torch.device
    style: Statistics
    identity: str

    @torch.no_grad()
    def __call__(self, content: Pixels, output: Pixels) -> FeatureLosses:
        wanted = (*STYLE_LAYERS, *CONTENT_LAYERS)
        of_content, of_output = (self.network(to_tensor(p, self.device), wanted) for p in (content, output))
        apart = [losses.content_loss(of_output[name], of_content[name]) for name in CONTENT_LAYERS]
        return FeatureLosses(
            float(style_loss(of_output, self.style)),
            float(style_loss(of_content, self.style)),
            float(torch.stack(apart).mean()),
            float(losses.content_loss(of_output[DRAWING_LAYER], of_content[DRAWING_LAYER])),
        )


def feature_judge(styles: Sequence[Pixels], weights: str, device: str, longest: int) -> FeatureLossMeter:
    """A judge for frames whose longest side has `longest` pixels.

    Raises:
        WeightsError: The weights cannot be had.
        SettingError: There is no such device.

    """
    place = choose_device(device)
    found = load(weights, (*STYLE_LAYERS, *CONTENT_LAYERS))
    network = VGG19(found.tensors, found.pooling, place)
    return FeatureLossMeter(network, place, style_statistics(network, styles, place, longest), found.identity)


@torch.no_grad()
def style_statistics(network: VGG19, styles: Iterable[Pixels], device: torch.device, longest: int) -> Statistics:
    """Mean and covariance of each layer's channels, of pictures made `longest` pixels long; several are averaged."""
    found: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in STYLE_LAYERS}
    for style in styles:
        tensor = to_tensor(style, device)
        features = network(resize(tensor, scaled_size(tensor, longest)).clamp(0, 1), STYLE_LAYERS)
        for name in STYLE_LAYERS:
            found[name].append(losses.channel_moments(features[name]))
    return {
        name: (torch.stack([mean for mean, _ in each]).mean(0), torch.stack([cov for _, cov in each]).mean(0))
        for name, each in found.items()
    }


def style_loss(features: Mapping[str, Tensor], style: Statistics) -> Tensor:
    """Relative error of mean and of covariance, summed, the mean over the layers: the command's own style loss.

    Source: Gatys et al. 2016, eq. 4 and 5, with the centred Gram matrix of Risser et al. 2017.
    """
    errors = [
        losses.relative_error(value, target)
        for name, targets in style.items()
        for value, target in zip(losses.channel_moments(features[name]), targets, strict=True)
    ]
    return torch.stack(errors).sum() / len(style)
