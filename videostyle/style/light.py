"""Fades: the picture is worked on in full light, and shown in the frame's own."""

from __future__ import annotations

from torch import Tensor

from videostyle.frames import FAINTEST, Light


def lit(image: Tensor, light: Light) -> Tensor:
    """A picture in full light, (1, 3, H, W) in [0, 1], as it is seen in `light`; unchanged in full light."""
    return image * (light.dark * light.pale) + (1 - light.pale)


def unlit(image: Tensor, light: Light) -> Tensor:
    """The opposite of `lit`, as far as `FAINTEST`."""
    dark, pale = max(light.dark, FAINTEST), max(light.pale, FAINTEST)
    return ((image - (1 - pale)) / (dark * pale)).clamp(0, 1)
