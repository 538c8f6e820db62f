"""L-BFGS over one image, with a filter as the inverse Hessian that it begins with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from videostyle.style.optimize.iterate import Iterate, Objective, evaluate

HISTORY = 10  # pairs; longer ones buy nothing here and cost two images each
LONGEST_STEP = 0.25  # root mean square change, in [0, 1] pixel values
DIVERGED = 1.5  # a loss this many times the best so far is rolled back


@dataclass(frozen=True)
class Prior:
    """What L-BFGS supposes before its first step.

    Args:
        exponent: The inverse Hessian falls with frequency as f to the minus this.
        first: Root mean square change of the first step, in [0, 1] pixel values.

    """

    exponent: float
    first: float


FRESH_PRIOR = Prior(1.0, 0.03)  # from a picture that has to change everywhere
WARM_PRIOR = Prior(0.5, 0.003)  # from one that nearly is what it should be; benchmarks/warm.md has what was tried


@dataclass(frozen=True, eq=False)
class Lbfgs:
    """Nocedal & Wright 2006, algorithm 7.5, with unit steps and no line search.

    Differences: the initial inverse Hessian is not the identity but a filter, which makes smooth changes easier (see
    `Preconditioner`); every step is bounded; and a loss that jumps or is not finite takes the walk back to the best
    image so far, with what this step told of the curvature as its only history. All of it is arithmetic on the device.
    """

    image: Tensor
    step: Tensor
    gradient: Tensor
    best: Tensor
    best_gradient: Tensor
    best_loss: Tensor
    caution: Tensor
    pairs: Pairs
    precondition: Preconditioner

    @classmethod
    def initial(cls, start: Iterate, hessian_diagonal: Tensor | None, prior: Prior) -> Lbfgs:
        """Before the first step."""
        image = start.image.detach()
        none, one = torch.zeros_like(image), torch.ones((), device=image.device)
        pairs, precondition = Pairs.empty(image), Preconditioner.for_image(image, hessian_diagonal, prior)
        return cls(image, none, none, image, none, one * torch.inf, one, pairs, precondition)

    @torch.no_grad()
    def advance(self, objective: Objective, progress: float) -> tuple[Lbfgs, Iterate]:
        x = self.image + self.step
        loss, gradient, losses = evaluate(objective, x, progress)
        finite = torch.isfinite(loss + gradient.abs().sum())
        failed = ~finite | (loss > DIVERGED * self.best_loss)
        better = ~failed & (loss < self.best_loss)
        best = torch.where(better, x, self.best)
        best_gradient = torch.where(better, gradient, self.best_gradient)
        best_loss = torch.where(better, loss, self.best_loss)
        s, y = (torch.where(finite, change, 0.0) for change in (x - self.image, gradient - self.gradient))
        pairs = self.pairs.pushed(s, y, failed)
        x, gradient = torch.where(failed, best, x), torch.where(failed, best_gradient, gradient)
        caution = torch.where(failed, self.caution * 0.5, (self.caution * 2).clamp(max=1))
        step = -caution * _bounded(pairs.direction(gradient, self.precondition))
        walk = Iterate(torch.where(torch.isfinite(best_loss), x + step, torch.nan), losses, best_loss, best=best)
        return Lbfgs(x, step, gradient, best, best_gradient, best_loss, caution, pairs, self.precondition), walk


@dataclass(frozen=True, eq=False)
class Preconditioner:
    """The inverse Hessian as far as it is known beforehand: f^-p, beside the stiffness of what is a sum of squares.

    f^-p is the metric of an image written in Fourier coefficients scaled by f^(-p/2). Olah, Mordvintsev & Schubert
    2017 ("Feature visualization", decorrelated parameterization) use f⁻¹ for the coefficients; our p is at most 1.

    Args:
        filter: (H, W // 2 + 1), what f^-p makes of each frequency f.
        first: Root mean square change of a step along the bare filtered gradient.
        hessian_diagonal: (N, 1, H, W), second derivative by each pixel of the part of the loss that is a sum of
            squares.
        stiffest: (), its largest.
        held, free: Like it, how much of each pixel is held by it or free, as a root.

    """

    filter: Tensor
    first: float
    hessian_diagonal: Tensor | None = None
    stiffest: Tensor = field(default_factory=lambda: torch.zeros(()))
    held: Tensor = field(default_factory=lambda: torch.zeros(()))
    free: Tensor = field(default_factory=lambda: torch.ones(()))

    @classmethod
    def for_image(
        cls, image: Tensor, hessian_diagonal: Tensor | None = None, prior: Prior = FRESH_PRIOR
    ) -> Preconditioner:
        """For images like this one, (N, C, H, W)."""
        h, w = image.shape[2:]
        fy = torch.fft.fftfreq(h, device=image.device)
        fx = torch.fft.rfftfreq(w, device=image.device)
        frequency = torch.hypot(fy[:, None], fx[None]).clamp(min=1 / max(h, w))
        gain = (frequency.mean() / frequency) ** prior.exponent
        if hessian_diagonal is None:
            return cls(gain, prior.first)
        stiffest = hessian_diagonal.max()
        held = (hessian_diagonal / stiffest.clamp(min=1e-20)).sqrt()
        return cls(gain, prior.first, hessian_diagonal, stiffest, held, (1 - held.square()).sqrt())

    def __call__(self, gradient: Tensor, gamma: Tensor | float = 1.0) -> Tensor:
        """The gradient, filtered; `gamma` is the scale of the part that is not known, as a length of step."""
        if self.hessian_diagonal is None:
            return gamma * self._filtered(gradient, self.filter)
        stiff = 1 / (1 / (gamma * self.filter) + self.stiffest)
        held = self.held * self._filtered(self.held * gradient, stiff)
        return held + gamma * self.free * self._filtered(self.free * gradient, self.filter)

    def unknown(self, s: Tensor, y: Tensor) -> Tensor:
        """What a step `s` did to the gradient, `y`, less what the stiffness explains."""
        return y if self.hessian_diagonal is None else y - self.hessian_diagonal * s

    def gain(self, gradient: Tensor) -> Tensor:
        """The gradient filtered by f^-p alone."""
        return self._filtered(gradient, self.filter)

    def _filtered(self, gradient: Tensor, gain: Tensor) -> Tensor:
        filtered: Tensor = torch.fft.irfft2(torch.fft.rfft2(gradient) * gain, s=gradient.shape[-2:])
        return filtered


def _bounded(direction: Tensor) -> Tensor:
    length = direction.square().mean().sqrt()
    return direction * (LONGEST_STEP / length.clamp(min=LONGEST_STEP))


@dataclass(frozen=True, eq=False)
class Pairs:
    """The last steps and what they did to the gradient, in rings.

    Args:
        s, y: (m, N, C, H, W), the steps and the changes of the gradient.
        products: (m, m), sᵢᵀyⱼ.
        rho: (m,), 1 / sᵀy; 0 for a pair that does not count.
        count: (1,), how many were pushed; pair `count` is in place `count % m`.

    """

    s: Tensor
    y: Tensor
    products: Tensor
    rho: Tensor
    count: Tensor

    @classmethod
    def empty(cls, image: Tensor) -> Pairs:
        ring = image.new_zeros(HISTORY, *image.shape)
        none = torch.zeros(1, dtype=torch.long, device=image.device)
        return cls(ring, ring.clone(), image.new_zeros(HISTORY, HISTORY), image.new_zeros(HISTORY), none)

    def pushed(self, s: Tensor, y: Tensor, failed: Tensor) -> Pairs:
        """The pair takes the oldest one's place; after a failure it alone counts: it knows how steep it was there."""
        place = self.count % HISTORY
        self.s.index_copy_(0, place, s[None])
        self.y.index_copy_(0, place, y[None])
        self.products.index_copy_(0, place, (self.y.flatten(1) @ s.flatten())[None])
        self.products.index_copy_(1, place, (self.s.flatten(1) @ y.flatten())[:, None])
        curvature = self.products.diagonal()[place]
        sound = curvature > 1e-10 * y.square().sum()
        self.rho.mul_(~failed)
        self.rho.index_copy_(0, place, torch.where(sound, 1 / curvature, 0.0))
        return replace(self, count=self.count + 1)

    def direction(self, gradient: Tensor, precondition: Preconditioner) -> Tensor:
        """Approximate inverse Hessian times gradient: the two-loop recursion, each loop as a triangular system.

        With pairs from the newest to the oldest and L the part of sᵢᵀyⱼ where j is newer than i, the first loop is
        (1 + ρL) α = ρ Sg, the second (1 + ρLᵀ) δ = α - ρ Yq, where q is the preconditioned g - Yᵀα, and the result
        q + Sᵀδ. So the images are passed over four times, not six times a pair.
        """
        m, s, y = HISTORY, self.s.flatten(1), self.y.flatten(1)
        order = (self.count - 1 - torch.arange(m, device=s.device)) % m  # it undoes itself
        rho, newer = self.rho[order], self.products[order][:, order].tril(-1)
        alpha = _solved(rho[:, None] * newer, rho * (s @ gradient.flatten())[order], upper=False)
        q = (gradient.flatten() - alpha[order] @ y).view_as(gradient)
        q = precondition(q, self._gamma(order[:1], q, precondition))
        delta = _solved(rho[:, None] * newer.T, alpha - rho * (y @ q.flatten())[order], upper=True)
        return q + (delta[order] @ s).view_as(q)

    def _gamma(self, newest: Tensor, q: Tensor, precondition: Preconditioner) -> Tensor:
        """γ = sᵀy / yᵀPy of the newest pair, or a first step's length where that pair does not count."""
        first = precondition.first / _rms(precondition.gain(q))
        s = self.s[newest][0]
        y = precondition.unknown(s, self.y[newest][0])
        gamma = (s * y).sum() / (y * precondition.gain(y)).sum()
        return torch.where((self.rho[newest][0] > 0) & (gamma > 0), gamma, first)


def _solved(triangle: Tensor, right: Tensor, *, upper: bool) -> Tensor:
    """The x of (1 + triangle) x = right, for a triangle without its diagonal."""
    found: Tensor = torch.linalg.solve_triangular(triangle, right[:, None], upper=upper, unitriangular=True)
    return found[:, 0]


def _rms(value: Tensor) -> Tensor:
    return value.square().mean().sqrt().clamp(min=1e-20)
