"""Loss terms: a formula bound to its targets and weight. The optimizer sees only their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from videostyle.style import losses
from videostyle.style.vgg import VGG19

Features = Mapping[str, Tensor]
Statistics = dict[str, tuple[Tensor, ...]]  # by layer


class Term(Protocol):
    """One weighted part of the objective; `layers` are the activations it asks for."""

    @property
    def name(self) -> str: ...
    @property
    def weight(self) -> float: ...
    @property
    def layers(self) -> Sequence[str]: ...
    def __call__(self, image: Tensor, features: Features) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class ContentTerm:
    """Stay recognizable: deep features of the content."""

    targets: Features
    weight: float
    name: str = "content"

    @property
    def layers(self) -> Sequence[str]:
        return tuple(self.targets)

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        errors = [losses.content_loss(features[name], target) for name, target in self.targets.items()]
        return torch.stack(errors).mean()


@dataclass(frozen=True, eq=False)
class StyleTerm:
    """Have the style's feature statistics at every depth; each layer counts the same."""

    targets: Statistics
    weight: float
    centred: bool
    name: str = "style"

    @property
    def layers(self) -> Sequence[str]:
        return tuple(self.targets)

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        errors = [
            losses.relative_error(value, target)
            for name, aims in self.targets.items()
            for value, target in zip(statistics(features[name], self.centred), aims, strict=True)
        ]
        return torch.stack(errors).sum() / len(self.targets)


@dataclass(frozen=True, eq=False)
class VariationTerm:
    """Be as smooth as the style: total variation relative to the style image's own."""

    target: Tensor
    weight: float
    name: str = "tv"
    layers: Sequence[str] = ()

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        return losses.total_variation(image) / self.target


@dataclass(frozen=True, eq=False)
class RangeTerm:
    """Stay displayable."""

    weight: float
    name: str = "range"
    layers: Sequence[str] = ()

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        return losses.range_loss(image)


@dataclass(frozen=True, eq=False)
class TemporalTerm:
    """Stay close to the warped previous output where the flow is trusted."""

    warped: Tensor
    mask: Tensor
    weight: float
    name: str = "temporal"
    layers: Sequence[str] = ()

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        return losses.temporal_loss(image, self.warped, self.mask)


@dataclass(frozen=True, eq=False)
class Objective:
    """The weighted sum of its terms, over one evaluation of the network."""

    network: VGG19
    terms: Sequence[Term]
    layers: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", frozenset(n for term in self.terms for n in term.layers))

    def __call__(self, image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum, and every term's share of it by name."""
        features = self.network(image, self.layers)
        shares = {term.name: term.weight * term(image, features) for term in self.terms}
        return torch.stack(list(shares.values())).sum(), shares


def statistics(features: Tensor, centred: bool) -> tuple[Tensor, ...]:
    """What a style is, at one layer: mean and centred Gram matrix, or the plain Gram matrix."""
    return losses.channel_moments(features) if centred else (losses.gram_matrix(features),)
