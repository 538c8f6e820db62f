"""Restyle videos and pictures after a painting, by optimization, steadily.

import videostyle
summary = videostyle.stylize_video("in.mp4", "style.jpg", "out.mp4", on_frame=print)
"""

from videostyle.errors import VideostyleError
from videostyle.media.source import Span
from videostyle.render.pipeline import FrameReport, Summary, stylize_image, stylize_video
from videostyle.settings import PRESETS, Settings

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
