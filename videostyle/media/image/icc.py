"""Color profiles: samples in any color space → sRGB, and the profile to tag them with."""

from __future__ import annotations

import logging
from functools import lru_cache

import imagecodecs
import numpy as np

from videostyle.frames import Pixels, Samples

log = logging.getLogger(__name__)


def _undated(profile: bytes) -> bytes:
    """Zero the time at which a profile was made, so that the same image has the same bytes every day."""
    return profile[:24] + bytes(12) + profile[36:]


SRGB = _undated(bytes(imagecodecs.cms_profile("srgb")))
_SPACES = {1: "gray", 3: "rgb", 4: "cmyk"}  # by channels, as imagecodecs names them
_CHANNELS = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}  # by an ICC header's color space
_FLAGS = {np.dtype(np.uint8): 0x2000, np.dtype(np.uint16): 0x2100}  # lcms2: black point; 16 bits without a coarse table


def to_srgb(colors: Samples, profile: bytes | None) -> Pixels:
    """Convert samples to (H, W, 3) sRGB of the same depth, by relative colorimetry with black point compensation.

    A profile that is sRGB by another name leaves RGB as it is, bit for bit. One that cannot be used is logged and
    ignored.

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
        log.warning("a color profile that cannot be used is ignored")
        return _untagged(colors)


def _channels(profile: bytes) -> int | None:
    return _CHANNELS.get(profile[16:20])


@lru_cache(maxsize=8)
def _is_srgb(profile: bytes) -> bool:
    """Return whether a profile changes no color by more than one step in 255."""
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
        colorspace=_SPACES[colors.shape[2]],
        outcolorspace="rgb",
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=_FLAGS[colors.dtype],
    )
    return converted


def _untagged(colors: Samples) -> Pixels:
    """Take gray and RGB as sRGB, and CMYK as ink on white paper."""
    if colors.shape[2] == 4:
        full = np.iinfo(colors.dtype).max
        light = np.float32(full) - colors
        return (light[..., :3] * light[..., 3:] / full).round().astype(colors.dtype)
    return colors.repeat(3, axis=2) if colors.shape[2] == 1 else colors
