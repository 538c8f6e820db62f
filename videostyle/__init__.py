"""Restyle videos and pictures after a painting, by optimization, steadily.

import videostyle
summary = videostyle.stylize_video("in.mp4", "style.jpg", "out.mp4", on_frame=print)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from videostyle.errors import VideostyleError
from videostyle.settings import PRESETS, Settings

if TYPE_CHECKING:
    from videostyle.frames import Span
    from videostyle.render.film import FrameReport
    from videostyle.render.pipeline import Summary, stylize_image, stylize_video

__all__ = [
    "PRESETS",
    "FrameReport",
    "Settings",
    "Span",
    "Summary",
    "VideostyleError",
    "stylize_image",
    "stylize_video",
]

_LATER = {  # so that `videostyle --help` need not wait for codecs
    "FrameReport": "videostyle.render.film",
    "Span": "videostyle.frames",
    "Summary": "videostyle.render.pipeline",
    "stylize_image": "videostyle.render.pipeline",
    "stylize_video": "videostyle.render.pipeline",
}


def __getattr__(name: str) -> Any:
    """Take a public name from its module when it is first asked for."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
