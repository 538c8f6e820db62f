"""Adam over one image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from videostyle.style.optimize.iterate import Iterate, Moments, Objective, evaluate

RATE, DECAYS = 0.03, (0.9, 0.99)  # the decays are those of crowsonkb/style-transfer-pytorch


@dataclass(frozen=True, eq=False)
class Adam:
    """Kingma & Ba 2015 (arXiv:1412.6980), kept inside [0, 1]."""

    image: Tensor
    moments: Moments

    @classmethod
    def initial(cls, start: Iterate) -> Adam:
        """Before the first step, with the moments of an earlier walk if there are any."""
        image = start.image.detach()
        none = torch.zeros((), dtype=count_type(image.device), device=image.device)
        return cls(image, start.moments or Moments(torch.zeros_like(image), torch.zeros_like(image), none))

    @torch.no_grad()
    def advance(self, objective: Objective, progress: float) -> tuple[Adam, Iterate]:
        loss, gradient, losses = evaluate(objective, self.image, progress)
        known, steps = self.moments, self.moments.steps + 1
        mean = DECAYS[0] * known.mean + (1 - DECAYS[0]) * gradient
        square = DECAYS[1] * known.square + (1 - DECAYS[1]) * gradient.square()
        ahead = mean / (1 - DECAYS[0] ** steps)
        spread = (square / (1 - DECAYS[1] ** steps)).sqrt()
        image = (self.image - RATE * ahead / (spread + 1e-8)).clamp(0, 1)
        moments = Moments(mean, square, steps)
        return Adam(image, moments), Iterate(image, losses, loss, moments)


def count_type(device: torch.device) -> torch.dtype:
    """What steps are counted in, and the moments' corrections computed: float64 where the device has it."""
    return torch.float32 if device.type == "mps" else torch.float64
