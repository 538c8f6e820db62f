"""How much light a frame is in: two pictures in one light for the flow, and fades that the look goes along with."""

from __future__ import annotations

import cv2
import numpy as np

from videostyle.frames import Fade, Pixels, Plane

LIT = 0.35  # of white: a picture with nothing brighter, or nothing darker than as far below white, is fading
EXTREME = 0.001  # of the pixels may be brighter or darker than that
EXPLAINED = 0.5  # a change of light leaves less than this share of the difference
STRONGEST = 8.0  # gain of contrast: beyond it the steps between levels are all there is to see
_ENOUGH = 512  # pixels of the longest side are enough to know the brightest and darkest by
_SIDE = 64  # longest side of the pictures that light is judged on


def estimate_fade(pixels: Pixels) -> Fade:
    """The light that a frame is in, by its brightest and darkest places.

    Between the two a style's own brightness holds, whatever the scene's. A fade to black or white goes beyond.

    Args:
        pixels: (H, W, 3).

    """
    every = 1 + max(pixels.shape[:2]) // _ENOUGH
    luma = cv2.cvtColor(pixels[::every, ::every].copy(), cv2.COLOR_RGB2GRAY) / np.iinfo(pixels.dtype).max
    darkest, brightest = np.quantile(luma, (EXTREME, 1 - EXTREME))
    return Fade(min(1.0, float(brightest) / LIT), min(1.0, float(1 - darkest) / LIT))


def match_exposure(one: Pixels, other: Pixels) -> tuple[Pixels, Pixels]:
    """Both pictures in the light of the one with more contrast; as they are, unless light explains how they differ.

    Light is a gain, and an offset for each channel: exposure, fades to any color, flashes.

    Args:
        one: (H, W, 3) uint8.
        other: Same shape.

    """
    a, b = _small(one), _small(other)
    contrast_a, contrast_b = (np.std(p - p.mean((0, 1))) for p in (a, b))
    if contrast_a < contrast_b:
        relit, same = match_exposure(other, one)
        return same, relit
    gain = min(STRONGEST, contrast_a / max(contrast_b, 1e-3))
    offset = a.mean((0, 1)) - gain * b.mean((0, 1))
    if np.abs(a - (gain * b + offset)).mean() >= EXPLAINED * np.abs(a - b).mean():
        return one, other
    relit = np.clip(np.rint(np.float32(gain) * other + offset.astype(np.float32)), 0, 255).astype(np.uint8)
    return one, relit


def _small(pixels: Pixels) -> Plane:
    scale = min(1.0, _SIDE / max(pixels.shape[:2]))
    small: Plane = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    return small
