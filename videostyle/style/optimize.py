"""L-BFGS and Adam over one image, for any objective. No step waits for the device to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Losses = dict[str, Tensor]
Objective = Callable[[Tensor], tuple[Tensor, Losses]]
Progress = Callable[[], None]

HISTORY = 10  # pairs; longer ones buy nothing here and cost two images each
FIRST_STEP = 0.03  # root mean square change of a step along the bare gradient, in [0, 1] pixel values
LONGEST_STEP = 0.25  # the same, for any step
DIVERGED = 1.5  # a loss this many times the best so far is rolled back


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the optimizer arrived, (N, 3, H, W), and the last losses it saw on the way, by term."""

    image: Tensor
    losses: Losses


def minimize(
    start: Tensor,
    objective: Objective,
    *,
    iterations: int,
    optimizer: str = "lbfgs",
    progress: Progress = lambda: None,
) -> Minimum:
    """Take `iterations` steps from `start` (N, 3, H, W) down `objective`; with none, `start` comes back as it is.

    A result that is not finite means that the objective never was.
    """
    if iterations == 0:
        return Minimum(start, {})
    method = _lbfgs if optimizer == "lbfgs" else _adam
    return method(start, objective, iterations, progress)


def _evaluate(objective: Objective, image: Tensor) -> tuple[Tensor, Tensor, Losses]:
    """Loss, gradient and the loss terms at `image`."""
    with torch.enable_grad():
        leaf = image.detach().requires_grad_(True)
        loss, terms = objective(leaf)
        (gradient,) = torch.autograd.grad(loss, leaf)
    return loss.detach(), gradient.contiguous(), {name: share.detach() for name, share in terms.items()}


def _adam(start: Tensor, objective: Objective, iterations: int, progress: Progress) -> Minimum:
    """Kingma & Ba 2015 (arXiv:1412.6980), kept inside [0, 1]; β as in crowsonkb/style-transfer-pytorch."""
    image = start.detach().clone().requires_grad_(True)
    adam = torch.optim.Adam([image], lr=0.03, betas=(0.9, 0.99))
    losses: Losses = {}
    for _ in range(iterations):
        _, image.grad, losses = _evaluate(objective, image)
        adam.step()
        with torch.no_grad():
            image.clamp_(0, 1)
        progress()
    return Minimum(image.detach(), losses)


@torch.no_grad()
def _lbfgs(start: Tensor, objective: Objective, iterations: int, progress: Progress) -> Minimum:
    """Nocedal & Wright 2006, algorithm 7.5, with unit steps and no line search.

    Differences: the initial inverse Hessian is not the identity but a 1/f filter, which makes smooth changes as
    easy as fine ones (see `Preconditioner`); every step is bounded; and a loss that jumps or is not finite takes
    the walk back to the best image so far, with an empty history. All of it is arithmetic on the device.
    """
    precondition = Preconditioner(start)
    pairs = _Pairs.empty(start)
    x = best = start.detach().clone()
    gradient = best_gradient = torch.zeros_like(x)
    best_loss = torch.full((), torch.inf, device=x.device)
    caution = torch.ones((), device=x.device)
    step = torch.zeros_like(x)
    losses: Losses = {}
    for number in range(iterations):
        before, gradient_before = x, gradient
        x = before + step
        loss, gradient, losses = _evaluate(objective, x)
        failed = ~torch.isfinite(loss) | (loss > DIVERGED * best_loss)
        better = loss < best_loss
        best = torch.where(better, x, best)
        best_gradient = torch.where(better, gradient, best_gradient)
        best_loss = torch.where(better, loss, best_loss)
        x, gradient = torch.where(failed, best, x), torch.where(failed, best_gradient, gradient)
        caution = torch.where(failed, caution * 0.5, caution)
        if number:
            pairs = pairs.pushed(number - 1, x - before, gradient - gradient_before, failed)
        step = -caution * _bounded(pairs.direction(number - 1, gradient, precondition))
        progress()
    return Minimum(torch.where(torch.isfinite(best_loss), x + step, torch.nan), losses)


class Preconditioner:
    """Filters a gradient by 1/f: the metric of an image written in Fourier coefficients scaled by f^-½.

    Olah, Mordvintsev & Schubert 2017 ("Feature visualization", decorrelated parameterization) use f⁻¹ for the
    coefficients; f^-½ is milder.
    """

    def __init__(self, image: Tensor) -> None:
        h, w = image.shape[2:]
        self._size = (h, w)
        fy = torch.fft.fftfreq(h, device=image.device)
        fx = torch.fft.rfftfreq(w, device=image.device)
        frequency = torch.hypot(fy[:, None], fx[None]).clamp(min=1 / max(h, w))
        self._gain = frequency.mean() / frequency

    def __call__(self, gradient: Tensor) -> Tensor:
        filtered: Tensor = torch.fft.irfft2(torch.fft.rfft2(gradient) * self._gain, s=self._size)
        return filtered


def _bounded(direction: Tensor) -> Tensor:
    length = direction.square().mean().sqrt()
    return direction * (LONGEST_STEP / length.clamp(min=LONGEST_STEP))


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The last steps and what they did to the gradient, in rings; ρ = 1 / yᵀs, 0 for a pair that does not count."""

    s: Tensor
    y: Tensor
    rho: Tensor

    @classmethod
    def empty(cls, image: Tensor) -> _Pairs:
        ring = image.new_zeros(HISTORY, *image.shape)
        return cls(ring, ring.clone(), image.new_zeros(HISTORY))

    def pushed(self, number: int, s: Tensor, y: Tensor, failed: Tensor) -> _Pairs:
        """Pair `number` takes the oldest one's place; after a failure none counts."""
        slot = number % HISTORY
        self.s[slot], self.y[slot] = s, y
        curvature = (s * y).sum()
        sound = curvature > 1e-10 * y.square().sum()
        self.rho[slot] = torch.where(sound, 1 / curvature, 0.0)
        self.rho.mul_(~failed)
        return self

    def direction(self, newest: int, gradient: Tensor, precondition: Preconditioner) -> Tensor:
        """The two-loop recursion: approximate inverse Hessian times gradient."""
        slots = [number % HISTORY for number in range(newest, max(newest - HISTORY, -1), -1)]
        q, alphas = gradient.clone(), {}
        for slot in slots:
            alphas[slot] = self.rho[slot] * (self.s[slot] * q).sum()
            q -= alphas[slot] * self.y[slot]
        q = precondition(q)
        q *= self._scale(slots[0], q, precondition) if slots else FIRST_STEP / _rms(q)
        for slot in reversed(slots):
            beta = self.rho[slot] * (self.y[slot] * q).sum()
            q += (alphas[slot] - beta) * self.s[slot]
        return q

    def _scale(self, slot: int, q: Tensor, precondition: Preconditioner) -> Tensor:
        """γ = sᵀy / yᵀPy of the newest pair, or a first step's length where that pair does not count."""
        y, rho = self.y[slot], self.rho[slot]
        gamma = 1 / (rho * (y * precondition(y)).sum())
        return torch.where(rho > 0, gamma, FIRST_STEP / _rms(q))


def _rms(value: Tensor) -> Tensor:
    return value.square().mean().sqrt().clamp(min=1e-20)
