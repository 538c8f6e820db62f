"""Where an optimizer stands after each step. No step waits for the device to answer.

A walker is where an optimizer stands, in tensors alone, and a step makes the next one of it: the same operations at
every step, so that a device may record one step and repeat it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, Self

import torch
from torch import Tensor

Losses = dict[str, Tensor]
Objective = Callable[[Tensor, float], tuple[Tensor, Losses]]

HEADROOM = 2.0**-8  # of the gradient of a loss of 1 in half precision: at 1 it may overflow; at this no digit is lost


@dataclass(frozen=True, eq=False)
class Moments:
    """What Adam knows about the gradient: its mean and square, like the image, after `steps` steps, ()."""

    mean: Tensor
    square: Tensor
    steps: Tensor


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where the optimizer stands after a step.

    Args:
        image: (N, 3, H, W).
        losses: By term, as the step found them.
        loss: Their sum.
        moments: Adam's, to carry on with at another size; None for L-BFGS.
        best: Of L-BFGS, the image whose sum `loss` is; its own step goes on from there, and is not known yet.

    """

    image: Tensor
    losses: Losses = field(default_factory=dict)
    loss: Tensor = field(default_factory=lambda: torch.zeros(()))
    moments: Moments | None = None
    best: Tensor | None = None

    def clone(self) -> Iterate:
        """The same in tensors that no later step overwrites."""
        losses = {name: loss.clone() for name, loss in self.losses.items()}
        m = self.moments
        moments = None if m is None else Moments(m.mean.clone(), m.square.clone(), m.steps.clone())
        best = None if self.best is None else self.best.clone()
        return Iterate(self.image.clone(), losses, self.loss.clone(), moments, best)


class OptimizerState(Protocol):
    """Where an optimizer stands: a frozen dataclass of tensors, and of such dataclasses."""

    @property
    def image(self) -> Tensor: ...

    def advance(self, objective: Objective, progress: float) -> tuple[Self, Iterate]:
        """After one step, and what it found."""


def evaluate(objective: Objective, image: Tensor, progress: float) -> tuple[Tensor, Tensor, Losses]:
    """Loss, gradient and the loss terms at `image`.

    The gradient is taken of the loss times powers of two near the number of pixels and near one over the loss, and
    `HEADROOM`, so that half precision can hold it at any size and any weight; dividing again changes no bit.
    """
    with torch.enable_grad():
        leaf = image.detach().requires_grad_(True)
        loss, terms = objective(leaf, progress)
        exponent = torch.frexp(loss.detach().float()).exponent
        scale = torch.ldexp(loss.new_full((), HEADROOM * 2.0 ** (image.numel() - 1).bit_length()), -exponent)
        (gradient,) = torch.autograd.grad(loss * scale, leaf)
    gradient = gradient.contiguous() / scale
    return loss.detach(), gradient, {name: share.detach() for name, share in terms.items()}
