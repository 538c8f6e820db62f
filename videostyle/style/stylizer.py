"""One frame after another: a fresh start, then each from where the last one went."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from videostyle.errors import DivergedError
from videostyle.frames import Frame, Motion, Pixels, Step
from videostyle.settings import Settings
from videostyle.style import losses
from videostyle.style.objective import (
    ContentTerm,
    Objective,
    RangeTerm,
    StyleTerm,
    TemporalTerm,
    Term,
    VariationTerm,
    statistics,
)
from videostyle.style.optimize import Minimum, minimize
from videostyle.style.pixels import resize, scaled_size, to_pixels, to_tensor
from videostyle.style.schedule import fresh_levels
from videostyle.style.vgg import VGG19
from videostyle.style.warp import warp

RANGE_WEIGHT = 1.0
GRAIN = 0.01  # deviation of the noise that a fresh start begins with, in [0, 1] pixel values

Work = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Stylized:
    """A finished frame and what was left of each loss on it, weighted, by name."""

    frame: Frame
    losses: dict[str, float]


class Stylizer:
    """Restyles steps; holds only what every frame shares, so that two videos may use it at once.

    Args:
        settings: How.
        network: VGG19 on the device to work on.
        styles: (H, W, 3) pictures; several count as one style, the mean of their statistics.
        device: Where the network is.
        on_work: Told after every step what it cost, in steps at full size.

    """

    def __init__(
        self,
        settings: Settings,
        network: VGG19,
        styles: Sequence[Pixels],
        device: torch.device,
        on_work: Work = lambda work: None,
    ) -> None:
        self._settings, self._network, self._device = settings, network, device
        self._styles = [to_tensor(style, device) for style in styles]
        self._on_work = on_work

    def stylize(self, steps: Iterable[Step]) -> Iterator[Stylized]:
        """Yield each step's frame restyled. What one frame leaves to the next stays float, never 8 bit.

        Raises:
            DivergedError: The objective is not finite.

        """
        style_terms = cache(self._style_terms)
        previous: Tensor | None = None
        for step in steps:
            content = to_tensor(step.frame.pixels, self._device)
            if step.motion is None or previous is None:
                found = self._start(content, style_terms)
            else:
                found = self._follow(content, previous, step.motion, style_terms)
            if not bool(torch.isfinite(found.image).all()):
                raise DivergedError(step.frame.index)
            previous = found.image.clamp(0, 1)
            pixels = to_pixels(previous, step.frame.pixels.dtype)
            yield Stylized(replace(step.frame, pixels=pixels), {name: float(v) for name, v in found.losses.items()})

    def _start(self, content: Tensor, style_terms: Callable[[int], list[Term]]) -> Minimum:
        """From the content, coarse to fine; each finer start has the content's finer detail laid over it."""
        longest = max(content.shape[2:])
        start = content + self._grain(content) if self._settings.first_iterations else content
        found, below = Minimum(start, {}), content
        for level in fresh_levels(self._settings, longest):
            size = scaled_size(content, longest * level.scale)
            target = resize(content, size).clamp(0, 1)
            start = target + resize(found.image - below, size)
            terms = [self._content_term(target), *style_terms(max(size))]
            found, below = self._minimize(start, terms, level.iterations, level.scale**2), target
        return found

    def _grain(self, content: Tensor) -> Tensor:
        """Faint noise, the same at every fresh start: another seed lays the strokes another way."""
        generator = torch.Generator().manual_seed(self._settings.seed)
        return GRAIN * torch.randn(content.shape, generator=generator).to(content.device)

    def _follow(
        self, content: Tensor, previous: Tensor, motion: Motion, style_terms: Callable[[int], list[Term]]
    ) -> Minimum:
        """From the previous result, moved along; held to it where the flow is trusted."""
        flow = torch.from_numpy(motion.flow).to(self._device).permute(2, 0, 1)[None]
        mask = torch.from_numpy(motion.mask).to(self._device)[None, None]
        warped = warp(previous, flow)
        terms = [self._content_term(content), *style_terms(max(content.shape[2:]))]
        if self._settings.temporal_weight:
            terms.append(TemporalTerm(warped, mask, self._settings.temporal_weight))
        return self._minimize(warped, terms, self._settings.iterations, 1.0)

    def _minimize(self, start: Tensor, terms: Sequence[Term], iterations: int, work: float) -> Minimum:
        return minimize(
            start,
            Objective(self._network, terms),
            iterations=iterations,
            optimizer=self._settings.optimizer,
            progress=lambda: self._on_work(work),
        )

    @torch.no_grad()
    def _content_term(self, content: Tensor) -> Term:
        targets = self._network(content, self._settings.content_layers)
        return ContentTerm(targets, self._settings.content_weight)

    @torch.no_grad()
    def _style_terms(self, longest: int) -> list[Term]:
        """What the style asks of a frame whose longest side has `longest` pixels."""
        s = self._settings
        pictures = [resize(style, scaled_size(style, longest * s.style_scale)).clamp(0, 1) for style in self._styles]
        found = [self._network(picture, s.style_layers) for picture in pictures]
        centred = s.statistics == "centred"
        targets = {
            name: tuple(
                torch.stack(values).mean(0)
                for values in zip(*(statistics(f[name], centred) for f in found), strict=True)
            )
            for name in s.style_layers
        }
        smoothness = torch.stack([losses.total_variation(picture) for picture in pictures]).mean()
        return [
            StyleTerm(targets, s.style_weight, centred),
            VariationTerm(smoothness, s.tv_weight),
            RangeTerm(RANGE_WEIGHT),
        ]
