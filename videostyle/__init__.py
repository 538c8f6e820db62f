"""Restyle videos and pictures after a painting, by optimization, steadily.

import videostyle
summary = videostyle.stylize_video("in.mp4", "style.jpg", "out.mp4", on_frame=print)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from videostyle.errors import VideostyleError
from videostyle.settings import Settings
from videostyle.sources import PRESETS

if TYPE_CHECKING:
    from videostyle.api import stylize_frames, stylize_image, stylize_video
    from videostyle.frames import Span
    from videostyle.render.progress import FrameReport, Summary
    from videostyle.train import TrainingRequest, train_look

__all__ = [
    "PRESETS",
    "FrameReport",
    "Settings",
    "Span",
    "Summary",
    "TrainingRequest",
    "VideostyleError",
    "stylize_frames",
    "stylize_image",
    "stylize_video",
    "train_look",
]

_LAZY = {  # so that `videostyle --help` need not wait for codecs
    "FrameReport": "videostyle.render.progress",
    "Span": "videostyle.frames",
    "Summary": "videostyle.render.progress",
    "stylize_frames": "videostyle.api",
    "stylize_image": "videostyle.api",
    "TrainingRequest": "videostyle.train",
    "stylize_video": "videostyle.api",
    "train_look": "videostyle.train",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
