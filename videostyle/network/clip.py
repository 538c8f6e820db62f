"""What a network learns from: frames of a clip with the motion between them, and windows that walk through it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from videostyle.frames import Motion, Pixels
from videostyle.motion.flow import METHODS, estimate
from videostyle.network.noise import TILE, moved_displacement, sampled
from videostyle.style.pixels import flow_to_tensor, mask_to_tensor, to_tensor
from videostyle.style.warp import warp

CPU = torch.device("cpu")
COMMON = 0.3  # of a frame: with less in common than this with the frame before, it opens a shot
FRESH, STANDING, SHAKEN = 0.15, 0.15, 0.4  # shares of the steps that begin anew, stand still, shake the window
SHAKE = 3  # pixels by which a window is shaken at most, so that nothing is tied to its borders


@dataclass(frozen=True, eq=False)
class TrainingClip:
    """Frames, and how each came from the one before.

    Args:
        frames: (H, W, 3), those of a clip of one size; further pictures after them may have others.
        moving: How many of them are a clip's.
        flow: How motion is found.
        mask: Where it is trusted.
        device: Where tensors are wanted.

    """

    frames: Sequence[Pixels]
    moving: int
    flow: str
    mask: str
    device: torch.device = CPU
    _motions: dict[int, Motion | None] = field(default_factory=dict)

    def image(self, index: int) -> Tensor:
        return to_tensor(self.frames[index], self.device)

    def motion(self, index: int) -> Motion | None:
        """The motion from the frame before; None where a shot opens. It is found once."""
        if not 0 < index < self.moving:
            return None
        if index not in self._motions:
            found = estimate(self.frames[index - 1], self.frames[index], METHODS[self.flow], self.mask)
            self._motions[index] = found if float(found.mask.mean()) > COMMON else None
        return self._motions[index]


@dataclass(frozen=True, eq=False)
class Sample:
    """A window of a frame, and what the network made of the same things before.

    Args:
        frame, noise: (1, 3, h, w), what it sees.
        warped: (1, 3, h, w), its last result moved along.
        mask: (1, 1, h, w) in [0, 1], where that can be trusted.

    """

    frame: Tensor
    noise: Tensor
    warped: Tensor
    mask: Tensor


def first_sample(frame: Tensor, tile: Tensor, displacement: Tensor) -> Sample:
    """Return the sample of a window, (1, 3, h, w), that nothing went before."""
    return Sample(frame, sampled(tile, displacement), torch.zeros_like(frame), torch.zeros_like(frame[:, :1]))


def walk(
    clip: TrainingClip, indices: Sequence[int], window: tuple[int, int], tile: Tensor, rng: np.random.Generator
) -> Generator[Sample, Tensor, None]:
    """Yield samples without end, a frame after another; send what the network made of each.

    Args:
        clip: To walk through.
        indices: Of the frames that may be learned from.
        window: (h, w) of a sample.
        tile: The noise.
        rng: Where walks begin, and how their windows shake.

    """
    learned = frozenset(indices)
    index, corner, result = 0, (0, 0), None
    displacement = torch.zeros(1, 2, *window, device=clip.device)
    while True:
        motion, follows = None, result is not None and rng.random() > FRESH
        if follows and rng.random() > STANDING:
            index += 1
            motion = clip.motion(index) if index in learned else None
            follows = motion is not None
        if not follows or result is None:
            index = int(rng.choice(indices))
            corner = _anywhere(clip.frames[index], window, rng)
            offset = torch.from_numpy(rng.integers(TILE, size=(1, 2, 1, 1))).to(displacement)
            displacement = torch.zeros_like(displacement) + offset
            result = yield first_sample(_cut(clip.image(index), corner, window), tile, displacement)
            continue
        before = corner
        if rng.random() < SHAKEN:
            corner = _shaken(corner, clip.frames[index], window, rng)
        flow = torch.tensor([corner[1] - before[1], corner[0] - before[0]]).view(1, 2, 1, 1).to(displacement)
        mask = torch.ones_like(displacement[:, :1])
        if motion is not None:
            flow = flow + _cut(flow_to_tensor(motion.flow, clip.device), corner, window)
            mask = _cut(mask_to_tensor(motion.mask, clip.device), corner, window)
        flow = flow.expand(1, 2, *window).contiguous()
        displacement = moved_displacement(displacement, flow)
        warped = warp(result.detach().clamp(0, 1), flow).clamp(0, 1)
        seen = mask * _inside(flow)
        result = yield Sample(_cut(clip.image(index), corner, window), sampled(tile, displacement), warped, seen)


def _anywhere(frame: Pixels, window: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """Return the top left corner of a window anywhere in a frame."""
    top, left = (int(rng.integers(a - b + 1)) for a, b in zip(frame.shape, window, strict=False))
    return top, left


def _shaken(
    corner: tuple[int, int], frame: Pixels, window: tuple[int, int], rng: np.random.Generator
) -> tuple[int, int]:
    """Return a corner a few pixels away."""
    by = rng.integers(-SHAKE, SHAKE + 1, 2)
    top, left = (int(np.clip(c + d, 0, a - b)) for c, d, a, b in zip(corner, by, frame.shape, window, strict=False))
    return top, left


def _cut(image: Tensor, corner: tuple[int, int], window: tuple[int, int]) -> Tensor:
    return image[..., corner[0] : corner[0] + window[0], corner[1] : corner[1] + window[1]]


def _inside(flow: Tensor) -> Tensor:
    """Return (1, 1, H, W), 1 where a flow stays in the picture."""
    h, w = flow.shape[2:]
    x = torch.arange(w, device=flow.device) + flow[:, 0]
    y = torch.arange(h, device=flow.device)[:, None] + flow[:, 1]
    return ((x >= 0) & (x <= w - 1) & (y >= 0) & (y <= h - 1)).float()[:, None]
