"""What earlier frames ask of a frame: their strokes, moved along, over this frame's drawing.

A frame that starts from the content keeps its drawing; one that starts from paint does not find it again, and every
warp blurs and shears the paint a little more: after a second of a moving camera small figures are gone and strokes are
streaks. So beside each stroke goes the content that it was painted for. What this frame's content has of drawing beyond
that is laid under the strokes; what resampling took from the drawing, it took from the content as well, and the
difference gives it back. And strokes that move wear off a little with each frame, so that the losses paint them anew:
texture that is advected has to be regenerated (Bousseau et al. 2007; Bénard et al. 2011). Areas of color are neither
laid nor worn, or a film would drift towards the colors of its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from videostyle.frames import Motion
from videostyle.style.objective.terms import TemporalTerm
from videostyle.style.optimize.schedule import share_of_steps
from videostyle.style.pixels import flow_to_tensor, mask_to_tensor, resize, scaled_size
from videostyle.style.state import FrameState
from videostyle.style.warp import warp

CONFIDENCE_GAIN = 1 / 6  # of what a new pixel needs until it is held as firmly as others, each frame
AREA_SIZE = 64  # longest side in pixels at which areas of color are told from drawing
AREA_RADIUS = 4  # of these pixels, over which they are averaged
PLAIN = 0.25  # of the strokes' contrast: where the content has that much detail, half of it takes their place
WEAR = 0.06  # share of its drawing that a moving stroke loses each frame
WEARING_SPEED = 0.5  # pixels per frame from which it loses all of that; slower strokes lose less
ANOTHER = (8 / 255, 12 / 255)  # change of an area's color at which it begins to be another, and is
NOISE_QUANTILE = 0.25  # of the places of a frame: what its drawing changes by there is taken for noise
NOISE_RADIUS = 3  # pixels around a place over which that is averaged

Seen: TypeAlias = tuple[FrameState, Motion]  # a finished frame, and how this one came from it


@dataclass(frozen=True, eq=False)
class TemporalTarget:
    """What a frame is held to.

    Args:
        image: (1, 3, H, W) in [0, 1], its neighbours' results moved along.
        content: Like `image`: what these strokes were painted for.
        confidence: (1, 1, H, W), how long they have been worked on, from 0 to 1.
        mask: (1, 1, H, W) in [0, 1], where they can be trusted.
        outdated: (1, 1, H, W) in [0, 1], where they were painted for something else that was there.
        distance: (1, 1, H, W), pixels that they came from the nearest neighbour.
        start: Like `image`: what the frame's work begins with.
        disoccluded: Share of the frame that is newly visible.
        speed: Pixels that it came from the nearest neighbour, on average.

    """

    image: Tensor
    content: Tensor
    confidence: Tensor
    mask: Tensor
    outdated: Tensor
    distance: Tensor
    start: Tensor
    disoccluded: float
    speed: float

    @classmethod
    def of(cls, seen: Sequence[Seen], content: Tensor) -> TemporalTarget | None:
        """Move results along, the first that can be trusted at each place, for a frame that shows `content`."""
        if not seen:
            return None
        flows = [flow_to_tensor(motion.flow, content.device) for _, motion in seen]
        moved = [_moved(past, motion, flow, content) for (past, motion), flow in zip(seen, flows, strict=True)]
        nearest, _ = moved[0]
        total, free = torch.zeros_like(nearest), torch.ones_like(nearest[:, :1])
        for layers, mask in moved:
            taken = torch.minimum(mask, free)
            total, free = total + taken * layers, free - taken
        merged = total + free * nearest
        return cls(
            image=merged[:, :3],
            content=merged[:, 3:6],
            confidence=merged[:, 6:].clamp(0, 1),
            mask=(1 - free).clamp(0, 1),
            outdated=torch.zeros_like(free),
            distance=flows[0].square().sum(1, keepdim=True).sqrt(),
            start=merged[:, :3],
            disoccluded=_disoccluded([motion for _, motion in seen]),
            speed=_speed(seen[0][1]),
        )

    def term(self, size: tuple[int, int], weight: float) -> TemporalTerm:
        """Return the pull towards it at a size; what is not ripe yet is not held as firmly."""
        firmly = resize(self.mask * self.confidence, size).clamp(0, 1)
        trusted = resize(self.mask, size).clamp(0, 1).sum()
        return TemporalTerm(warped=resize(self.image, size).clamp(0, 1), mask=firmly, trusted=trusted, weight=weight)

    def renewed(self, content: Tensor, *, lit: bool = True) -> TemporalTarget:
        """Return the same with the drawing of `content` under the strokes, and less of strokes that are worn.

        Args:
            content: (1, 3, H, W), what the frame shows.
            lit: There is light enough to tell.

        """
        if not lit:
            return self
        known = torch.lerp(content, self.content, self.mask)
        now, before = _color_areas(content), _color_areas(known)
        change = content - now - (known - before)
        outdated = self.mask * _outdated(now, before)
        mask = self.mask - outdated
        laid = mask * _beyond_noise(change) * change
        wear = WEAR * share_of_steps(self.disoccluded, self.speed) * (self.distance / WEARING_SPEED).clamp(0, 1)
        worn = wear * _drawing(self.image - self.content)
        image = (self.image + laid - mask * worn).clamp(0, 1)
        return replace(
            self,
            image=image,
            start=image,
            content=(self.content + laid).clamp(0, 1),
            mask=mask,
            outdated=outdated,
        )

    def begun(self, content: Tensor) -> TemporalTarget:
        """Return the same where what is unseen begins as what `content` shows, in the colors that are there.

        What is outdated begins as the content itself. Strokes that were dragged along would have to be unmade first,
        for which a following frame has no steps. They stay where the content has no detail to put in their place.
        """
        detail, strokes = _drawing(content), _drawing(self.image)
        drawing = _contrast(detail)
        drawing = drawing / (drawing + PLAIN * _contrast(strokes)).clamp(min=1e-6)
        shown = torch.lerp(self.image + drawing * (detail - strokes), content, self.outdated).clamp(0, 1)
        return replace(self, start=torch.lerp(shown, self.image, self.mask))

    def next_state(self, image: Tensor, content: Tensor) -> FrameState:
        """Return the state of the finished frame (1, 3, H, W) that was held to it and shows `content`."""
        confidence = (self.mask * (self.confidence + CONFIDENCE_GAIN)).clamp(0, 1)
        return FrameState(image, confidence, torch.lerp(content, self.content, (2 * self.mask).clamp(max=1)))


def fresh_state(image: Tensor, content: Tensor | None) -> FrameState:
    """Return the state of a finished frame, (1, 3, H, W), that was begun from nothing and shows `content`."""
    return FrameState(image, torch.ones_like(image[:, :1]), content)


def _moved(past: FrameState, motion: Motion, flow: Tensor, content: Tensor) -> tuple[Tensor, Tensor]:
    """A result, its content and its confidence as this frame sees them, (1, 7, H, W), and where they can be trusted."""
    mask = mask_to_tensor(motion.mask, content.device)
    if past.content is not None:
        return warp(torch.cat([past.image, past.content, past.confidence], dim=1), flow), mask
    layers = warp(torch.cat([past.image, past.confidence], dim=1), flow)
    return torch.cat([layers[:, :3], content, layers[:, 3:]], dim=1), mask


def _drawing(image: Tensor) -> Tensor:
    """What is drawn in the areas of color of an image, (1, C, H, W)."""
    return image - _color_areas(image)


def _color_areas(image: Tensor, radius: int = AREA_RADIUS) -> Tensor:
    """The areas of color of an image, (1, C, H, W), without what is drawn in them."""
    longest = max(image.shape[2:])
    even = resize(image, scaled_size(image, min(AREA_SIZE, longest)))
    for _ in range(2):
        even = F.avg_pool2d(even, 2 * radius + 1, 1, radius, count_include_pad=False)
    return resize(even, (image.shape[2], image.shape[3]))


def _contrast(detail: Tensor) -> Tensor:
    """The deviation close around each place of what is left without areas of color: (1, 1, H, W)."""
    mean, square = _color_areas(detail, 1), _color_areas(detail.square(), 1)
    return (square - mean.square()).mean(1, keepdim=True).clamp(min=0).sqrt()


def _beyond_noise(change: Tensor) -> Tensor:
    """The share of the power of a change, (1, C, H, W), at each place that noise does not explain: (1, 1, H, W).

    Source: a Wiener filter. The grain of a film changes everywhere; laid under the strokes, it would make them boil.
    """
    power = change.square().mean(1, keepdim=True)
    for _ in range(2):
        power = F.avg_pool2d(power, 2 * NOISE_RADIUS + 1, 1, NOISE_RADIUS, count_include_pad=False)
    noise = power[..., ::4, ::4].flatten().quantile(NOISE_QUANTILE)
    return (1 - noise / power.clamp(min=1e-12)).clamp(min=0)


def _outdated(now: Tensor, before: Tensor) -> Tensor:
    """How far strokes that were painted for areas of color `before`, (1, C, H, W), are outdated: (1, 1, H, W).

    In a dissolve every flow leads home, and the strokes of the first scene would stay in the second. A change of light
    is none: what counts is the difference to the gain and offset that explain most of each channel.
    """
    was = before - before.mean((2, 3), keepdim=True)
    gain = (was * now).mean((2, 3), keepdim=True) / was.square().mean((2, 3), keepdim=True).clamp(min=1e-6)
    other = (now - now.mean((2, 3), keepdim=True) - gain.clamp(min=0) * was).abs().amax(1, keepdim=True)
    return ((other - ANOTHER[0]) / (ANOTHER[1] - ANOTHER[0])).clamp(0, 1)


def _speed(motion: Motion) -> float:
    """How far a frame moved, in pixels, on average."""
    return float(np.hypot(motion.flow[..., 0], motion.flow[..., 1]).mean())


def _disoccluded(motions: Sequence[Motion]) -> float:
    """The share of a frame that none of these can be trusted for, worked out where the motions are: on the CPU."""
    trusted = torch.stack([mask_to_tensor(motion.mask) for motion in motions]).sum(0)
    return float(1 - trusted.clamp(0, 1).mean())
