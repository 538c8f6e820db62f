"""Color profiles: samples in any color space → sRGB, and the profile that says so."""

from __future__ import annotations

import logging
from functools import lru_cache

import imagecodecs
import numpy as np

from videostyle.frames import Pixels, Samples

log = logging.getLogger(__name__)


def _undated(profile: bytes) -> bytes:
    """Without the time at which it was made, so that the same picture has the same bytes every day."""
    return profile[:24] + bytes(12) + profile[36:]


SRGB = _undated(bytes(imagecodecs.cms_profile("srgb")))
_KINDS = {1: "gray", 3: "rgb", 4: "cmyk"}
_SPACES = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}  # an ICC header's word → channels
_FLAGS = {np.dtype(np.uint8): 0x2000, np.dtype(np.uint16): 0x2100}  # black point; 16 bit without a coarse table


def to_srgb(colors: Samples, profile: bytes | None) -> Pixels:
    """Samples → (H, W, 3) sRGB of the same depth, by relative colorimetry with black point compensation.

    A profile that is sRGB by another name leaves RGB as it is, bit for bit. One that cannot be used is passed over.

    Args:
        colors: (H, W, C) gray, RGB, or CMYK with its full range meaning full ink; uint8 or uint16.
        profile: An ICC profile, or None.

    """
    if profile is not None and colors.shape[2] == 1 and _channels(profile) == 3:
        colors = colors.repeat(3, axis=2)
    if profile is None or _is_srgb(profile):
        return _untagged(colors)
    try:
        return _converted(colors, profile)
    except (RuntimeError, ValueError):
        log.warning("a color profile that cannot be used is passed over")
        return _untagged(colors)


def _channels(profile: bytes) -> int | None:
    return _SPACES.get(profile[16:20])


@lru_cache(maxsize=8)
def _is_srgb(profile: bytes) -> bool:
    """Whether it changes no color by more than one step in 255."""
    if _channels(profile) != 3:
        return False
    steps = np.linspace(0, 255, 18).astype(np.uint8)
    colors = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(18, -1, 3)
    try:
        return bool(np.abs(_converted(colors, profile).astype(int) - colors).max() <= 1)
    except (RuntimeError, ValueError):
        return False


def _converted(colors: Samples, profile: bytes) -> Pixels:
    if _channels(profile) != colors.shape[2]:
        raise ValueError(f"a profile for {profile[16:20]!r}, and {colors.shape[2]} channels")
    samples = np.ascontiguousarray(colors if colors.shape[2] > 1 else colors[..., 0])
    converted: Pixels = imagecodecs.cms_transform(
        samples,
        profile,
        SRGB,
        colorspace=_KINDS[colors.shape[2]],
        outcolorspace="rgb",
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=_FLAGS[colors.dtype],
    )
    return converted


def _untagged(colors: Samples) -> Pixels:
    """Gray and RGB as they are; ink on white paper for CMYK."""
    if colors.shape[2] == 4:
        full = np.iinfo(colors.dtype).max
        hdr = np.float32(full) - colors
        return (hdr[..., :3] * hdr[..., 3:] / full).round().astype(colors.dtype)
    return colors.repeat(3, axis=2) if colors.shape[2] == 1 else colors
