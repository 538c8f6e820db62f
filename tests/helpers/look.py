"""A picture restyled in a few steps."""

from fractions import Fraction

import numpy as np
import torch

from tests.helpers import media
from videostyle.frames import Frame, TrackedFrame
from videostyle.settings import Settings
from videostyle.style.stylizer import Stylizer

SETTINGS = Settings(first_iterations=15, scales=(1.0,))
STYLE = media.texture(80, 60, seed=7)[..., ::-1].copy()
IMAGE = media.texture(64, 48)
CPU = torch.device("cpu")


def stylized(network, *, image=IMAGE, styles=(STYLE,), regions=(), masks=(), **changes):
    stylizer = Stylizer(SETTINGS.override(**changes), network, list(styles), CPU, masks=masks)
    (made,) = stylizer.stylize([TrackedFrame(Frame(image, 0, Fraction(1), 1, 0), None, regions=tuple(regions))])
    return made


def picture(network, **how):
    return stylized(network, **how).frame.pixels


def painted(hue):
    """A style of one color with some texture."""
    return np.clip(media.texture(80, 60, seed=3).mean(2, keepdims=True) / 130 * np.float32(hue), 0, 255).astype(
        np.uint8
    )


RED, BLUE = painted((200, 40, 30)), painted((30, 60, 210))
