"""Loss terms: a formula bound to its targets and weight. The optimizer sees only their sum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from videostyle.style.objective import losses
from videostyle.style.objective.statistics import Compute, Distance

SMOOTHEST = 1e-4  # total variation below which a style is not taken for smoother: one of a single color has none
Features = Mapping[str, Tensor]
Extract = Callable[[Tensor, Iterable[str]], Features]  # a network, or anything that gives activations by name


@dataclass(frozen=True, eq=False, kw_only=True)
class Term(ABC):
    """One weighted part of the objective.

    Args:
        weight: How much it counts at a frame's first step.
        decay: The share of that which is gone by its last step, falling in a line.
        name: For reports.

    """

    weight: float
    decay: float = 0.0
    name: str = ""

    @property
    def layers(self) -> Sequence[str]:
        """The activations it asks for."""
        return ()

    @property
    def hessian_diagonal(self) -> Tensor | None:
        """Second derivative by each pixel, (1, 1, H, W), of a weighted loss that is a sum of squares of pixels."""
        return None

    def weight_at(self, progress: float) -> float:
        """Its weight when `progress`, from 0 to 1, of a frame's steps are done."""
        return self.weight * (1 - self.decay * progress)

    @abstractmethod
    def __call__(self, image: Tensor, features: Features) -> Tensor:
        """The unweighted loss of `image`, (1, 3, H, W) RGB in [0, 1], whose activations are `features`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureTerm(Term):
    """Have these very features: the content's to stay recognizable, or those that attention matched.

    Args:
        targets: By layer.
        shares: How much each layer counts, by layer; they sum to 1.
        scale: By layer, what error counts as 1.
        guidance: By layer, (1, 1, H, W) with mean 1: how much each place counts.

    """

    targets: Features
    shares: Mapping[str, float]
    scale: Mapping[str, Tensor | float]
    guidance: Mapping[str, Tensor] = field(default_factory=dict)
    name: str = "content"

    @property
    def layers(self) -> Sequence[str]:
        return tuple(self.targets)

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        errors = [
            self.shares[name] * losses.squared_error(features[name], target, self.guidance.get(name)) / self.scale[name]
            for name, target in self.targets.items()
        ]
        return torch.stack(errors).sum()


@dataclass(frozen=True, eq=False, kw_only=True)
class StyleTerm(Term):
    """Have the style's feature statistics at every depth.

    Args:
        compute: Features → statistics.
        distances: By layer: statistics → distance to the style's.
        shares: How much each layer counts, by layer; they sum to 1.
        guidance: By layer, (1, 1, H, W): how much each place counts; all alike where there is none.

    """

    compute: Compute
    distances: Mapping[str, Distance]
    shares: Mapping[str, float]
    guidance: Mapping[str, Tensor] = field(default_factory=dict)
    name: str = "style"

    @property
    def layers(self) -> Sequence[str]:
        return tuple(self.distances)

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        errors = [
            self.shares[name] * distance(self.compute(features[name], self.guidance.get(name)))
            for name, distance in self.distances.items()
        ]
        return torch.stack(errors).sum()


@dataclass(frozen=True, eq=False, kw_only=True)
class VariationTerm(Term):
    """Be as smooth as the style: total variation relative to the style image's own."""

    target: Tensor
    name: str = "tv"

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        return losses.total_variation(image) / self.target.clamp(min=SMOOTHEST)


@dataclass(frozen=True, eq=False, kw_only=True)
class RangeTerm(Term):
    """Stay displayable."""

    name: str = "range"

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        return losses.range_loss(image)


@dataclass(frozen=True, eq=False, kw_only=True)
class TemporalTerm(Term):
    """Stay close to the warped previous output where the flow is trusted.

    Args:
        warped: (1, 3, H, W), the output.
        mask: (1, 1, H, W) in [0, 1], how firmly each pixel is held.
        trusted: (), how many pixels are trusted, held firmly or not; the sum of `mask` by default.

    """

    warped: Tensor
    mask: Tensor
    trusted: Tensor | None = None
    name: str = "temporal"

    @property
    def hessian_diagonal(self) -> Tensor:
        return self.weight * losses.temporal_stiffness(self.mask, self.trusted)

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        return losses.temporal_loss(image, self.warped, self.mask, self.trusted)


@dataclass(frozen=True, eq=False)
class Objective:
    """The weighted sum of its terms, over one evaluation of the network."""

    network: Extract
    terms: Sequence[Term]
    layers: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", frozenset(n for term in self.terms for n in term.layers))

    @property
    def hessian_diagonal(self) -> Tensor | None:
        """That of all terms together; None where no term has any."""
        found = [stiff for term in self.terms if (stiff := term.hessian_diagonal) is not None]
        return torch.stack(found).sum(0) if found else None

    def __call__(self, image: Tensor, progress: float = 0.0) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum, and every term's share of it by name, when `progress` of a frame's steps are done."""
        features = self.network(image, self.layers)
        shares = {term.name: term.weight_at(progress) * term(image, features) for term in self.terms}
        return torch.stack(list(shares.values())).sum(), shares
