"""L-BFGS and Adam over one image, for any objective. No step waits for the device to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

Losses = dict[str, Tensor]
Objective = Callable[[Tensor, float], tuple[Tensor, Losses]]

HISTORY = 10  # pairs; longer ones buy nothing here and cost two images each
FIRST_STEP = 0.03  # root mean square change of a step along the bare gradient, in [0, 1] pixel values
LONGEST_STEP = 0.25  # the same, for any step
DIVERGED = 1.5  # a loss this many times the best so far is rolled back
PATIENCE = 10  # steps over which the loss must fall by the tolerance
RATE, DECAYS = 0.03, (0.9, 0.99)  # of Adam; the decays are those of crowsonkb/style-transfer-pytorch


@dataclass(frozen=True, eq=False)
class Moments:
    """What Adam knows about the gradient: its mean and square, like the image, after `steps` steps."""

    mean: Tensor
    square: Tensor
    steps: int


@dataclass(frozen=True, eq=False)
class Walk:
    """Where the optimizer stands after a step.

    Args:
        image: (N, 3, H, W).
        losses: By term, as the step found them.
        loss: Their sum.
        moments: Adam's, to carry on with at another size; None for L-BFGS.

    """

    image: Tensor
    losses: Losses = field(default_factory=dict)
    loss: Tensor = field(default_factory=lambda: torch.zeros(()))
    moments: Moments | None = None


def minimize(
    start: Walk,
    objective: Objective,
    *,
    iterations: int,
    optimizer: str = "lbfgs",
    averaging: float = 0.0,
    tolerance: float = 0.0,
    stiffness: Tensor | None = None,
    on_step: Callable[[Walk], object] = lambda walk: None,
) -> Walk:
    """Take `iterations` steps down `objective` from `start`; with none, `start` comes back as it is.

    Args:
        start: An image, and for Adam possibly the moments of an earlier walk.
        objective: Called with an image and the share of the steps that are done.
        iterations: At most.
        optimizer: lbfgs or adam.
        averaging: Above 0, the result is the bias-corrected exponential average of the images, with this decay.
        tolerance: Stop when `PATIENCE` steps have lowered the loss by less than this share; 0 takes every step.
        stiffness: (N, 1, H, W), the second derivative by each pixel of a part of the loss that is known to be a sum of
            squares; L-BFGS then has to find out only the rest.
        on_step: Told after each step.

    Returns:
        The end of the walk. An image that is not finite means that the objective never was.

    """
    if iterations == 0:
        return start
    steps = (_lbfgs if optimizer == "lbfgs" else _adam)(start, objective, iterations, stiffness)
    walk = start
    for walk in _until_settled(_averaged(steps, averaging) if averaging else steps, tolerance):
        on_step(walk)
    return walk


def _averaged(steps: Iterator[Walk], decay: float) -> Iterator[Walk]:
    """Each walk with the average of the images so far, as Adam corrects its moments (Kingma & Ba 2015, §7.2)."""
    average: Tensor | None = None
    for number, walk in enumerate(steps, 1):
        fresh = (1 - decay) * walk.image
        average = fresh if average is None else decay * average + fresh
        yield replace(walk, image=average / (1 - decay**number))


def _until_settled(steps: Iterator[Walk], tolerance: float) -> Iterator[Walk]:
    """The steps up to where the loss has stopped to fall; asks the device only every `PATIENCE` steps."""
    before: float | None = None
    for number, walk in enumerate(steps):
        yield walk
        if tolerance and number % PATIENCE == 0:
            loss = float(walk.loss)
            if before is not None and before - loss < tolerance * before:
                return
            before = loss


def _evaluate(objective: Objective, image: Tensor, progress: float) -> tuple[Tensor, Tensor, Losses]:
    """Loss, gradient and the loss terms at `image`.

    The gradient is taken of the loss times a power of two near the number of pixels, so that it is of the order
    of 1 and half precision can hold it; dividing again changes no bit.
    """
    scale = 2.0 ** (image.numel() - 1).bit_length()
    with torch.enable_grad():
        leaf = image.detach().requires_grad_(True)
        loss, terms = objective(leaf, progress)
        (gradient,) = torch.autograd.grad(loss * scale, leaf)
    gradient = gradient.contiguous() / scale
    return loss.detach(), gradient, {name: share.detach() for name, share in terms.items()}


@torch.no_grad()
def _adam(start: Walk, objective: Objective, iterations: int, stiffness: Tensor | None) -> Iterator[Walk]:
    """Kingma & Ba 2015 (arXiv:1412.6980), kept inside [0, 1]."""
    image = start.image.detach()
    known = start.moments or Moments(torch.zeros_like(image), torch.zeros_like(image), 0)
    for number in range(iterations):
        loss, gradient, losses = _evaluate(objective, image, number / iterations)
        mean = DECAYS[0] * known.mean + (1 - DECAYS[0]) * gradient
        square = DECAYS[1] * known.square + (1 - DECAYS[1]) * gradient.square()
        known = Moments(mean, square, known.steps + 1)
        ahead = mean / (1 - DECAYS[0] ** known.steps)
        spread = (square / (1 - DECAYS[1] ** known.steps)).sqrt()
        image = (image - RATE * ahead / (spread + 1e-8)).clamp(0, 1)
        yield Walk(image, losses, loss, known)


@torch.no_grad()
def _lbfgs(start: Walk, objective: Objective, iterations: int, stiffness: Tensor | None) -> Iterator[Walk]:
    """Nocedal & Wright 2006, algorithm 7.5, with unit steps and no line search.

    Differences: the initial inverse Hessian is not the identity but a 1/f filter, which makes smooth changes as
    easy as fine ones (see `Preconditioner`); every step is bounded; and a loss that jumps or is not finite takes
    the walk back to the best image so far, with an empty history. All of it is arithmetic on the device.
    """
    precondition = Preconditioner(start.image, stiffness)
    pairs = _Pairs.empty(start.image)
    x = best = start.image.detach().clone()
    gradient = best_gradient = torch.zeros_like(x)
    best_loss = torch.full((), torch.inf, device=x.device)
    caution = torch.ones((), device=x.device)
    step = torch.zeros_like(x)
    for number in range(iterations):
        before, gradient_before = x, gradient
        x = before + step
        loss, gradient, losses = _evaluate(objective, x, number / iterations)
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
        yield Walk(torch.where(torch.isfinite(best_loss), x + step, torch.nan), losses, best_loss)


class Preconditioner:
    """The inverse Hessian as far as it is known beforehand: 1/f, beside the stiffness of what is a sum of squares.

    1/f is the metric of an image written in Fourier coefficients scaled by f^-½. Olah, Mordvintsev & Schubert 2017
    ("Feature visualization", decorrelated parameterization) use f⁻¹ for the coefficients; f^-½ is milder.

    Args:
        image: (N, C, H, W), for its size and place.
        stiffness: (N, 1, H, W), second derivative by each pixel of the part of the loss that is a sum of squares.

    """

    def __init__(self, image: Tensor, stiffness: Tensor | None = None) -> None:
        h, w = image.shape[2:]
        self._size = (h, w)
        fy = torch.fft.fftfreq(h, device=image.device)
        fx = torch.fft.rfftfreq(w, device=image.device)
        frequency = torch.hypot(fy[:, None], fx[None]).clamp(min=1 / max(h, w))
        self._gain = frequency.mean() / frequency
        self.stiffness = stiffness
        if stiffness is not None:
            self._stiffest = stiffness.max()
            self._held = (stiffness / self._stiffest.clamp(min=1e-20)).sqrt()
            self._free = (1 - self._held.square()).sqrt()

    def __call__(self, gradient: Tensor, gamma: Tensor | float = 1.0) -> Tensor:
        """The gradient, filtered; `gamma` is the scale of the part that is not known, as a length of step."""
        if self.stiffness is None:
            return gamma * self._filtered(gradient, self._gain)
        stiff = 1 / (1 / (gamma * self._gain) + self._stiffest)
        held = self._held * self._filtered(self._held * gradient, stiff)
        return held + self._free * self._filtered(self._free * gradient, gamma * self._gain)

    def unknown(self, s: Tensor, y: Tensor) -> Tensor:
        """What a step `s` did to the gradient, `y`, less what the stiffness explains."""
        return y if self.stiffness is None else y - self.stiffness * s

    def gain(self, gradient: Tensor) -> Tensor:
        """The gradient filtered by 1/f alone."""
        return self._filtered(gradient, self._gain)

    def _filtered(self, gradient: Tensor, gain: Tensor) -> Tensor:
        filtered: Tensor = torch.fft.irfft2(torch.fft.rfft2(gradient) * gain, s=self._size)
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
        q = precondition(q, self._gamma(slots[0] if slots else None, q, precondition))
        for slot in reversed(slots):
            beta = self.rho[slot] * (self.y[slot] * q).sum()
            q += (alphas[slot] - beta) * self.s[slot]
        return q

    def _gamma(self, slot: int | None, q: Tensor, precondition: Preconditioner) -> Tensor:
        """γ = sᵀy / yᵀPy of the newest pair, or a first step's length where that pair does not count."""
        first = FIRST_STEP / _rms(precondition.gain(q))
        if slot is None:
            return first
        s, y = self.s[slot], precondition.unknown(self.s[slot], self.y[slot])
        gamma = (s * y).sum() / (y * precondition.gain(y)).sum()
        return torch.where((self.rho[slot] > 0) & (gamma > 0), gamma, first)


def _rms(value: Tensor) -> Tensor:
    return value.square().mean().sqrt().clamp(min=1e-20)
