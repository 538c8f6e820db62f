"""The measures: pure functions of pictures and motion.

A picture is (H, W, 3) RGB float32 in [0, 1]; a level is 1/255 of that. Where too little of a picture counts to say
anything, the answer is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Motion, Pixels, Plane

Picture = NDArray[np.float32]

LEVELS = 255.0
ENOUGH = 0.01  # share of the picture that must count
STILL = 0.25  # pixels: what moves less between two frames stands still
QUANTILES = 64
SAMPLES = 65_536  # pixels that a palette is taken from
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # BT.709, on the stored values


def _directions() -> NDArray[np.float32]:
    """(13, 3): the axes, face diagonals and space diagonals of the color cube, of length 1."""
    whole = np.indices((3, 3, 3)).reshape(3, -1).T - 1
    half = whole[len(whole) // 2 + 1 :]  # of each and its opposite, one
    unit: NDArray[np.float32] = (half / np.linalg.norm(half, axis=1, keepdims=True)).astype(np.float32)
    return unit


DIRECTIONS = _directions()


def picture(pixels: Pixels) -> Picture:
    """(H, W, 3) of an unsigned integer type → [0, 1]."""
    full = np.float32(np.iinfo(pixels.dtype).max)
    return np.ascontiguousarray(pixels).astype(np.float32) / full


# --- in time


def difference(now: Picture, before: Picture, flow: Plane) -> Picture:
    """`now` minus `before` moved along `flow`, (H, W, 3).

    Args:
        now: This frame.
        before: An earlier one.
        flow: (H, W, 2), pixels (dx, dy), this frame → the earlier one: `now(p)` is held against `before(p + flow(p))`.

    """
    h, w = flow.shape[:2]
    y, x = np.mgrid[:h, :w].astype(np.float32)
    moved = cv2.remap(before, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    apart: Picture = now - moved
    return apart


def warp_error(apart: Picture, mask: Plane) -> float | None:
    """Root mean square of the difference over trusted pixels and their channels, in [0, 1].

    Args:
        apart: From `difference`.
        mask: (H, W) in [0, 1], 1 where the motion is trusted.

    Source: Lai et al. 2018 (arXiv:1808.00449) and their evaluate_WarpError.py, whose E_warp is the square
    of this. They move the later frame back, we the earlier one on; the root is ours, to have the unit of a picture.

    """
    square = _trusted_mean(np.square(apart).mean(-1), mask)
    return None if square is None else float(np.sqrt(square))


def bias(apart: Picture, mask: Plane) -> float | None:
    """Mean of the difference over trusted pixels and their channels, in levels: how much brighter the same things are.

    Source: none; it is the first moment of what `warp_error` takes the second of.
    """
    mean = _trusted_mean(apart.mean(-1), mask)
    return None if mean is None else mean * LEVELS


def _trusted_mean(values: Plane, mask: Plane) -> float | None:
    if mask.mean() < ENOUGH:
        return None
    return float((mask * values).sum(dtype=np.float64) / mask.sum(dtype=np.float64))


def standing(motion: Motion) -> NDArray[np.bool_]:
    """(H, W): where the content stands still, and that can be trusted."""
    still: NDArray[np.bool_] = (np.square(motion.flow).sum(-1) < STILL**2) & (motion.mask > 0.5)
    return still


def flicker(now: Picture, before: Picture, where: NDArray[np.bool_]) -> float | None:
    """Mean absolute difference of two frames where nothing moves, in levels.

    Source: temporal flickering in VBench (Huang et al. 2023, arXiv:2311.17982), which takes whole static videos
    and reports (255 - this) / 255; we take the static part of any video.

    """
    return float(np.abs(now - before)[where].mean() * LEVELS) if where.mean() >= ENOUGH else None


# --- of one picture


@dataclass(frozen=True, eq=False)
class Appearance:
    """How a picture looks as a whole.

    Args:
        color: (3,) mean RGB, in levels.
        contrast: Standard deviation of luma, in levels.
        palette: (directions, quantiles) of the colors along `DIRECTIONS`, in levels.
        energy: Mean squared Laplacian of luma.

    """

    color: NDArray[np.float64]
    contrast: float
    palette: NDArray[np.float64]
    energy: float


def appearance(seen: Picture) -> Appearance:
    luma = seen @ LUMA
    color = seen.mean((0, 1), dtype=np.float64) * LEVELS
    return Appearance(color, float(luma.std(dtype=np.float64) * LEVELS), palette(seen), laplacian_energy(luma))


def palette(seen: Picture) -> NDArray[np.float64]:
    """Quantiles of the colors along `DIRECTIONS`, in levels.

    The mean absolute difference of two palettes is their sliced Wasserstein distance (Rabin et al. 2011), over these
    directions instead of random ones.
    """
    step = max(1, int(np.sqrt(seen.shape[0] * seen.shape[1] / SAMPLES)))
    colors = seen[::step, ::step].reshape(-1, 3) @ DIRECTIONS.T
    found: NDArray[np.float64] = np.quantile(colors, (np.arange(QUANTILES) + 0.5) / QUANTILES, axis=0).T * LEVELS
    return found


def laplacian_energy(luma: Plane) -> float:
    """Mean squared Laplacian: how much fine detail there is.

    Source: the focus measure "energy of Laplacian" of Subbarao et al. 1993.
    """
    return float(np.square(cv2.Laplacian(luma, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE)).mean(dtype=np.float64))


@dataclass(frozen=True, eq=False)
class Drift:
    """How far the output's looks have gone since its shot began, beyond what the content's own change explains; levels.

    An output that stays as it was, or goes any part of the way with the content, has not drifted.


    Args:
        color: (3,) of the mean RGB.
        contrast: Of the standard deviation of luma.
        palette: Mean absolute change of the palette.

    """

    color: NDArray[np.float64]
    contrast: float
    palette: float


def drift(content: Appearance, output: Appearance, content_start: Appearance, output_start: Appearance) -> Drift:
    palettes = unexplained(output.palette - output_start.palette, content.palette - content_start.palette)
    return Drift(
        unexplained(output.color - output_start.color, content.color - content_start.color),
        float(unexplained(output.contrast - output_start.contrast, content.contrast - content_start.contrast)),
        float(np.abs(palettes).mean()),
    )


def unexplained(change: Any, explained: Any) -> Any:
    """Return what of a change lies outside the range from 0 to `explained`; numbers or arrays."""
    return change - np.clip(change, np.minimum(explained, 0), np.maximum(explained, 0))


def ratio(value: float | None, floor: float | None) -> float | None:
    """`value / floor`; None where either is missing or the floor is 0."""
    return value / floor if value is not None and floor else None
