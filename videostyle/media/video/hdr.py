"""PQ → a display-like range for stylization, and back without loss."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from videostyle.frames import Pixels
from videostyle.media.sidedata import side_data

WHITE = 203.0  # cd/m² of diffuse white (ITU-R BT.2408)
MAX_LUMINANCE = 10_000.0  # cd/m² at which PQ ends
DEFAULT_PEAK = 1000.0  # cd/m², where a video does not say for which display it was graded
_WHITE_LEVEL = 0.8  # display value of diffuse white in [0, 1]; highlights have the rest
_HIGHLIGHT_CURVE = 5.0  # steepness of the logarithm above white
_CODES = 65536  # 16-bit code values
_MASTERING_BYTES = 88  # of FFmpeg's AVMasteringDisplayMetadata


@dataclass(frozen=True)
class HdrMetadata:
    """Luminance of a PQ video.

    Args:
        peak: cd/m² at the top of the display range.
        mastering: Chromaticities of red, green, blue and white as x, y, then the least and the largest cd/m² of the
            mastering display; empty if unknown.
        content: Largest pixel and largest frame average, cd/m²; empty if unknown.

    """

    peak: float = DEFAULT_PEAK
    mastering: tuple[float, ...] = ()
    content: tuple[int, ...] = ()

    @classmethod
    def from_frame(cls, frame: VideoFrame) -> HdrMetadata:
        """Read what a decoded frame says of the display it was made for."""
        found = side_data(frame)
        mastering = _parse_mastering(found.get("MASTERING_DISPLAY_METADATA", b""))
        content = struct.unpack("=2I", found["CONTENT_LIGHT_LEVEL"][:8]) if "CONTENT_LIGHT_LEVEL" in found else ()
        known = mastering[-1] if mastering else max(content, default=0)
        return cls(min(max(known, WHITE), MAX_LUMINANCE) if known else DEFAULT_PEAK, mastering, content)

    def unlimited(self) -> HdrMetadata:
        """Return the same with no highlight too bright, for frames that pass through."""
        return replace(self, peak=MAX_LUMINANCE)

    def options(self, encoder: str) -> dict[str, str]:
        """Return the options that make an encoder, by FFmpeg's name, write this metadata; none if it cannot."""
        syntax = _SYNTAX.get(encoder)
        if syntax is None or not (self.mastering or self.content or syntax.always):
            return {}
        words = [*syntax.always]
        if self.mastering:
            words.append(f"{syntax.mastering}={_mastering_words(self.mastering, syntax.integers)}")
        if self.content:
            words.append(f"{syntax.content}={self.content[0]},{self.content[1]}")
        return {syntax.option: ":".join(words)}


class _Syntax(NamedTuple):
    """How an encoder spells this metadata; with `integers` in units of 1/50000 and of 1/10000 cd/m²."""

    option: str
    mastering: str
    content: str
    integers: bool
    always: tuple[str, ...] = ()


_SYNTAX = {
    "libx265": _Syntax("x265-params", "master-display", "max-cll", True, ("hdr10=1", "repeat-headers=1")),
    "libx264": _Syntax("x264-params", "mastering-display", "cll", True),
    "libsvtav1": _Syntax("svtav1-params", "mastering-display", "content-light", False),
}


def _parse_mastering(data: bytes) -> tuple[float, ...]:
    """Parse FFmpeg's AVMasteringDisplayMetadata: ten fractions, then whether chromaticities and luminance are known."""
    if len(data) < _MASTERING_BYTES:
        return ()
    *parts, has_colors, has_luminance = struct.unpack("=22i", data[:_MASTERING_BYTES])
    if not (has_colors and has_luminance) or not all(parts[1::2]):
        return ()
    return tuple(a / b for a, b in zip(parts[::2], parts[1::2], strict=True))


def _mastering_words(mastering: tuple[float, ...], integers: bool) -> str:
    """Spell it `G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)`."""
    colors = [str(round(v * 50_000)) if integers else f"{v:.5f}" for v in mastering[:8]]
    least, largest = (str(round(v * 10_000)) if integers else f"{v:.5f}" for v in mastering[8:])
    r, g, b, w = (f"({colors[k]},{colors[k + 1]})" for k in (0, 2, 4, 6))
    return f"G{g}B{b}R{r}WP{w}L({largest},{least})"


def to_display(pixels: Pixels, hdr: HdrMetadata) -> Pixels:
    """Map PQ code values to display values, both uint16: diffuse white to 0.8, the peak to 1."""
    display: Pixels = _tables(hdr.peak)[0][pixels]
    return display


def from_display(pixels: Pixels, hdr: HdrMetadata) -> Pixels:
    """Map display values back to PQ code values, both uint16."""
    codes: Pixels = _tables(hdr.peak)[1][pixels]
    return codes


@cache
def _tables(peak: float) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Tabulate both maps for all code values."""
    codes = np.arange(_CODES) / (_CODES - 1)
    display = _display_value(_luminance(codes), peak).clip(0, 1)
    back = np.interp(codes, display, codes)
    return (display * 65535).round().astype(np.uint16), (back * 65535).round().astype(np.uint16)


def _luminance(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map PQ code values in [0, 1] to cd/m² (SMPTE ST 2084)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = code ** (1 / m2)
    luminance: NDArray[np.float64] = MAX_LUMINANCE * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return luminance


def _display_value(luminance: NDArray[np.float64], peak: float) -> NDArray[np.float64]:
    """Map cd/m² to display values: a gamma of 2.4 up to diffuse white, a logarithm above it."""
    relative = luminance / WHITE
    highlights = np.log1p(_HIGHLIGHT_CURVE * np.maximum(relative - 1, 0))
    highlights /= max(np.log1p(_HIGHLIGHT_CURVE * (peak / WHITE - 1)), 1e-6)
    shadows = _WHITE_LEVEL * relative ** (1 / 2.4)
    display: NDArray[np.float64] = np.where(relative < 1, shadows, _WHITE_LEVEL + (1 - _WHITE_LEVEL) * highlights)
    return display
