"""Fades: the picture is worked on in full light, and shown in the frame's own."""

from __future__ import annotations

from torch import Tensor

from videostyle.frames import FAINTEST, Fade


def apply_fade(image: Tensor, fade: Fade) -> Tensor:
    """A picture in full light, (1, 3, H, W) in [0, 1], as it is seen in `fade`; unchanged in full light."""
    return image * (fade.to_black * fade.to_white) + (1 - fade.to_white)


def remove_fade(image: Tensor, fade: Fade) -> Tensor:
    """The opposite of `apply_fade`, as far as `FAINTEST`."""
    to_black, to_white = max(fade.to_black, FAINTEST), max(fade.to_white, FAINTEST)
    return ((image - (1 - to_white)) / (to_black * to_white)).clamp(0, 1)
