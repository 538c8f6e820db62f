"""Steps of L-BFGS or Adam over one image, for any objective."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from videostyle.style.optimize.adam import Adam
from videostyle.style.optimize.iterate import Iterate, Objective, OptimizerState
from videostyle.style.optimize.lbfgs import FRESH_PRIOR, Lbfgs, Prior

Steps = Callable[[OptimizerState, Objective, int], Iterator[Iterate]]

PATIENCE = 10  # steps over which the loss must fall by the tolerance


def eager_steps(walker: OptimizerState, objective: Objective, iterations: int) -> Iterator[Iterate]:
    """The steps as they come."""
    for number in range(iterations):
        walker, walk = walker.advance(objective, number / iterations)
        yield walk


def minimize(
    start: Iterate,
    objective: Objective,
    *,
    iterations: int,
    optimizer: str = "lbfgs",
    ema_decay: float = 0.0,
    tolerance: float = 0.0,
    hessian_diagonal: Tensor | None = None,
    prior: Prior = FRESH_PRIOR,
    check_end: bool = False,
    on_step: Callable[[Iterate], object] = lambda walk: None,
    steps: Steps = eager_steps,
) -> Iterate:
    """Take `iterations` steps down `objective` from `start`; with none, `start` comes back as it is.

    Args:
        start: An image, and for Adam possibly the moments of an earlier walk.
        objective: Called with an image and the share of the steps that are done.
        iterations: At most.
        optimizer: lbfgs or adam.
        ema_decay: Above 0, the result is the bias-corrected exponential average of the images, with this decay.
        tolerance: Stop when `PATIENCE` steps have lowered the loss by less than this share; 0 takes every step.
        hessian_diagonal: (N, 1, H, W), the second derivative by each pixel of a part of the loss that is known to be a
            sum of squares; L-BFGS then has to find out only the rest.
        prior: What L-BFGS supposes of that.
        check_end: Evaluate where the last step of L-BFGS leads, and do without it where that is worse.
        on_step: Told after each step; what it is told of may be overwritten by the next one.
        steps: How they are taken.

    Returns:
        The end of the walk. An image that is not finite means that the objective never was.

    """
    if iterations == 0:
        return start
    lbfgs = optimizer == "lbfgs"
    walker: OptimizerState = Lbfgs.initial(start, hessian_diagonal, prior) if lbfgs else Adam.initial(start)
    taken, walk = steps(walker, objective, iterations), start
    for walk in _until_settled(_averaged(taken, ema_decay) if ema_decay else taken, tolerance):
        on_step(walk)
    return (_without_worse_end(walk, objective) if check_end else walk).clone()


@torch.no_grad()
def _without_worse_end(walk: Iterate, objective: Objective) -> Iterate:
    """The best image that is known where the last step, which nobody evaluated, leads to a greater loss."""
    if walk.best is None:
        return walk
    loss, _ = objective(walk.image, 1.0)
    worse = torch.isfinite(walk.loss) & ~(loss <= walk.loss)
    return replace(walk, image=torch.where(worse, walk.best, walk.image))


def _averaged(steps: Iterator[Iterate], decay: float) -> Iterator[Iterate]:
    """Each walk with the average of the images so far, as Adam corrects its moments (Kingma & Ba 2015, §7.2)."""
    average: Tensor | None = None
    for number, walk in enumerate(steps, 1):
        fresh = (1 - decay) * walk.image
        average = fresh if average is None else decay * average + fresh
        yield replace(walk, image=average / (1 - decay**number))


def _until_settled(steps: Iterator[Iterate], tolerance: float) -> Iterator[Iterate]:
    """The steps up to where the loss has stopped to fall; asks the device only every `PATIENCE` steps."""
    before: float | None = None
    for number, walk in enumerate(steps):
        yield walk
        if tolerance and number % PATIENCE == 0:
            loss = float(walk.loss)
            if before is not None and before - loss < tolerance * before:
                return
            before = loss
