"""Charts: matplotlib's figures in one style, the same bytes each time, without pyplot's global figures."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from videostyle.errors import InputError
from videostyle.frames import Pixels

try:
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
except ModuleNotFoundError as error:
    raise InputError("charts are drawn by matplotlib, which is not here; pip install 'videostyle[plot]'") from error

DPI = 100
INK, FAINT, GRAY = "#282828", "#e1e1e1", "#969696"
RED, GREEN, BLUE = "#c8321e", "#2e8b57", "#3b62c8"

_STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GRAY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "axes.xmargin": 0.01,
    "figure.constrained_layout.h_pad": 0.08,
    "font.size": 9,
    "grid.color": FAINT,
    "legend.frameon": False,
    "svg.fonttype": "none",  # words stay words
    "svg.hashsalt": "videostyle",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}

in_style = style.context(["default", _STYLE])  # whatever the user's matplotlibrc says; for functions that draw


def new_figure(width: int, height: int) -> Figure:
    """Make an empty figure of so many pixels."""
    return Figure((width / DPI, height / DPI), dpi=DPI, layout="constrained")


def to_pixels(figure: Figure) -> Pixels:
    """Draw a figure as (H, W, 3) uint8."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def to_svg(figure: Figure) -> str:
    """Draw a figure as SVG, without the date."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue().decode()
