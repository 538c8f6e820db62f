"""Learn one look from one clip: the objective of the optimizer, over a network in place of a picture.

The network never sees its own results, so nothing can drift over a film; steadiness comes from noise that moves along
with the picture, and from the pull towards the last result. Source of the idea to train on the clip itself: Texler et
al. 2020, "Interactive video stylization using few-shot patch-based training" (arXiv:2004.14489).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from videostyle.media.image import still
from videostyle.network.clip import SHAKE, Sample, TrainingClip, first_sample, walk
from videostyle.network.net import SHRINK, USUAL_SHAPE, Shape, StyleNetwork
from videostyle.network.noise import noise_tile
from videostyle.settings import Settings
from videostyle.style.features.vgg import VGG19
from videostyle.style.objective.look import Look, Style
from videostyle.style.objective.terms import Objective, TemporalTerm
from videostyle.style.pixels import Depth, to_pixels

WALKS = 6  # through the clip at once; each step takes one of them on
WINDOW = 128  # pixels of a window's longest side at most
LATTICE_WEIGHT = 20.0
RATE = 3e-3  # of Adam
MOMENTS = (0.9, 0.99)
STEEPEST = 5.0  # norm of the gradient at most
WARM, FALLING = 0.1, 0.4  # shares of the steps over which the rate rises at first, and falls at last
RAMP = 0.6  # share of the steps over which the temporal weight rises from a tenth
HELD_OUT = 4  # frames that are never learned from
REPORT_EVERY = 50  # steps
GAIN = 0.99  # of the best loss over these: one above is no progress
PATIENCE = 400  # steps without progress after which the rate begins to fall


@dataclass(frozen=True, eq=False)
class TrainingReport:
    """How far a training is.

    Args:
        step, steps: Taken so far, and at most.
        held_out: Loss over frames that are never learned from, by name.
        network: As it is.
        shown: (1, 3, H, W), one of these frames beside its result.

    """

    step: int
    steps: int
    held_out: Mapping[str, float]
    network: StyleNetwork
    shown: Tensor

    def write_picture(self, path: Path) -> None:
        """Write the frame beside its result as an image."""
        still.write_still(path, to_pixels(self.shown, cast(Depth, np.dtype(np.uint8))), "")

    @property
    def loss(self) -> float:
        return sum(self.held_out.values())


@dataclass(frozen=True, eq=False)
class Teacher:
    """What a result has to be, as the optimizer has it, and no lattice besides.

    Args:
        settings: Weights of the losses.
        vgg: The network that sees.
        look: The style.

    """

    settings: Settings
    vgg: VGG19
    look: Look

    def __call__(self, image: Tensor, sample: Sample, steadiness: float = 1.0) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a result (1, 3, h, w), and its parts by name."""
        terms = self.look.terms(self.vgg, sample.frame.contiguous(), ())
        weight = steadiness * self.settings.temporal_weight
        terms.append(TemporalTerm(warped=sample.warped, mask=sample.mask, weight=weight))
        loss, shares = Objective(self.vgg, terms)(image)
        shares["lattice"] = LATTICE_WEIGHT * lattice(image - sample.frame)
        return loss + shares["lattice"], shares


def lattice(added: Tensor) -> Tensor:
    """Return the energy of what repeats every four pixels, which enlarging draws: (1, 3, h, w) → ()."""
    n, c, h, w = added.shape
    cells = added[..., : h // SHRINK * SHRINK, : w // SHRINK * SHRINK]
    phases = cells.reshape(n, c, h // SHRINK, SHRINK, w // SHRINK, SHRINK).mean((2, 4))
    return (phases - phases.mean((2, 3), keepdim=True)).square().sum((1, 2, 3)).mean()


def train_network(
    clip: TrainingClip,
    styles: Sequence[Style],
    settings: Settings,
    vgg: VGG19,
    *,
    steps: int,
    start: StyleNetwork | None = None,
    shape: Shape = USUAL_SHAPE,
) -> Iterator[TrainingReport]:
    """Train a network, and yield a report now and then and at the end. The same seed gives the same bits.

    Args:
        clip: To learn from.
        styles: Paintings that count as one style; sizes over that of a frame.
        settings: Weights of the losses, and the seed.
        vgg: The network that sees; half precision will do.
        steps: At most.
        start: What to begin with; a new one by default.
        shape: Of a new one.

    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = (start or StyleNetwork(shape)).to(clip.device).to(memory_format=torch.channels_last)
    rng = np.random.default_rng(settings.seed)
    window, longest = window_of(clip), max(clip.frames[0].shape[:2])
    teacher = _teacher(clip, styles, settings, vgg, longest / max(window))
    held_out = held_out_frames(clip.moving)
    learned = [index for index in range(len(clip.frames)) if index not in held_out] or held_out
    tile = noise_tile(longest, settings.seed).to(clip.device)
    walks = [walk(clip, learned, window, tile, rng) for _ in range(WALKS)]
    samples = [next(each) for each in walks]
    unmoved = torch.zeros(1, 2, *window, device=clip.device)
    judged = [first_sample(_middle(clip.image(index), window), tile, unmoved) for index in held_out]
    adam = torch.optim.Adam(network.parameters(), RATE, betas=MOMENTS)
    schedule = Schedule(steps)
    for step in range(steps):
        if (left := schedule.rate(step)) <= 0:
            return
        for group in adam.param_groups:
            group["lr"] = RATE * left
        network.train(not schedule.is_falling(step))  # at last with the statistics that it will be used with
        number = int(rng.integers(WALKS))
        result = _learn(network, adam, teacher, samples[number], min(1.0, 0.1 + step / (RAMP * steps)))
        samples[number] = walks[number].send(result)
        if (step + 1) % REPORT_EVERY == 0 or step + 1 == steps or schedule.rate(step + 1) <= 0:
            losses, shown = _judge(network, teacher, judged)
            report = TrainingReport(step + 1, steps, losses, network, shown)
            schedule = schedule.noting(report.loss, step)
            yield report


@dataclass(frozen=True)
class Schedule:
    """How long a step is: rising, even, then falling to nothing.

    Args:
        steps: At most.
        best: Lowest loss so far, and the step that had it.
        falling_from: The step from which it falls early; None while it does not.

    """

    steps: int
    best: tuple[float, int] = (math.inf, 0)
    falling_from: int | None = None

    def rate(self, step: int) -> float:
        """The share of the full rate at a step."""
        rising = min(1.0, (step + 1) / max(1.0, WARM * self.steps))
        return rising * min(1.0, 1 - (step - self._begin) / max(1.0, FALLING * self.steps))

    def is_falling(self, step: int) -> bool:
        return step >= self._begin

    def noting(self, loss: float, step: int) -> Schedule:
        """Return the schedule after a loss: it falls from here when nothing was gained for long."""
        if loss < GAIN * self.best[0]:
            return Schedule(self.steps, (loss, step), self.falling_from)
        stuck = step - self.best[1] >= PATIENCE and self.falling_from is None
        return Schedule(self.steps, self.best, step + 1 if stuck else self.falling_from)

    @property
    def _begin(self) -> float:
        last = self.steps - FALLING * self.steps
        return last if self.falling_from is None else min(last, self.falling_from)


def window_of(clip: TrainingClip) -> tuple[int, int]:
    """Return (h, w) of the windows: as much of the frames as they can shake in, whole cells of the lattice."""
    height, width = (min(frame.shape[side] for frame in clip.frames) for side in (0, 1))
    h, w = (max(SHRINK, min(side - 4 * SHAKE, WINDOW) // SHRINK * SHRINK) for side in (height, width))
    return h, w


def held_out_frames(count: int) -> list[int]:
    """Return indices of frames that are never learned from, spread over a clip; of a short clip it is one."""
    if count < 2 * HELD_OUT:
        return [0]
    apart = max(8, count // HELD_OUT)
    return list(range(min(HELD_OUT, count - 1), count, apart))[:HELD_OUT]


def _teacher(clip: TrainingClip, styles: Sequence[Style], settings: Settings, vgg: VGG19, scale: float) -> Teacher:
    """Return the teacher of windows: a style is as large over a window as over the frame it is cut from."""
    scaled = [Style(style.image, style.scale * scale, style.share, style.mask) for style in styles]
    return Teacher(settings, vgg, Look(settings, scaled, clip.image(0)))


def _learn(
    network: StyleNetwork, adam: torch.optim.Adam, teacher: Teacher, sample: Sample, steadiness: float
) -> Tensor:
    frame, noise = (x.contiguous(memory_format=torch.channels_last) for x in (sample.frame, sample.noise))
    result: Tensor = network(frame, noise)
    loss, _ = teacher(result, sample, steadiness)
    adam.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), STEEPEST)
    adam.step()
    return result.detach()


@torch.no_grad()
def _judge(network: StyleNetwork, teacher: Teacher, samples: Sequence[Sample]) -> tuple[dict[str, float], Tensor]:
    """Return the mean losses of frames that are not learned from, and the last one beside its result."""
    images = [network(sample.frame, sample.noise) for sample in samples]
    found = [teacher(image, sample)[1] for image, sample in zip(images, samples, strict=True)]
    losses = {name: sum(float(each[name]) for each in found) / len(found) for name in found[0]}
    return losses, torch.cat([samples[-1].frame, images[-1]], 3)


def _middle(image: Tensor, window: tuple[int, int]) -> Tensor:
    top, left = ((a - b) // 2 for a, b in zip(image.shape[2:], window, strict=True))
    return image[..., top : top + window[0], left : left + window[1]]
