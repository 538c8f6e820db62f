"""PQ in a space that a painting can be carried over to: as bright as a display shows it, and back without loss."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import cast

import numpy as np
from av import VideoFrame
from av.sidedata.sidedata import SideData
from numpy.typing import NDArray

from videostyle.frames import Pixels

WHITE = 203.0  # cd/m² of diffuse white (ITU-R BT.2408)
BRIGHTEST = 10_000.0  # cd/m² that PQ ends at
USUAL_PEAK = 1000.0  # cd/m², where a film does not say what it was graded for
_SHARE = 0.8  # of the display range, up to diffuse white; highlights have the rest
_BEND = 5.0
_CODES = 65536


@dataclass(frozen=True)
class HdrMetadata:
    """How bright a PQ film is.

    Args:
        peak: cd/m² that are the top of the display range.
        mastering: Chromaticities of red, green, blue, white as x, y, then least and largest cd/m²; empty if unknown.
        content: Largest pixel and largest frame average, cd/m²; empty if unknown.

    """

    peak: float = USUAL_PEAK
    mastering: tuple[float, ...] = ()
    content: tuple[int, ...] = ()

    @classmethod
    def from_frame(cls, picture: VideoFrame) -> HdrMetadata:
        """What a decoded frame says about the display it was made for."""
        found = {data.type.name: bytes(data) for data in cast(Iterable[SideData], picture.side_data)}
        mastering = _mastering(found.get("MASTERING_DISPLAY_METADATA", b""))
        content = struct.unpack("=2I", found["CONTENT_LIGHT_LEVEL"][:8]) if "CONTENT_LIGHT_LEVEL" in found else ()
        known = mastering[-1] if mastering else max(content, default=0)
        return cls(min(max(known, WHITE), BRIGHTEST) if known else USUAL_PEAK, mastering, content)

    def unlimited(self) -> HdrMetadata:
        """Nothing is too bright: for pictures that pass through."""
        return replace(self, peak=BRIGHTEST)

    def options(self, encoder: str) -> dict[str, str]:
        """The encoder's options that write it down."""
        said = []
        if encoder == "libx265":
            said = ["hdr10=1", "repeat-headers=1", *_said("master-display", self.mastering, 50_000, 10_000)]
            said += [f"max-cll={self.content[0]},{self.content[1]}"] if self.content else []
            return {"x265-params": ":".join(said)}
        if encoder == "libx264" and (self.mastering or self.content):
            said = _said("mastering-display", self.mastering, 50_000, 10_000)
            said += [f"cll={self.content[0]},{self.content[1]}"] if self.content else []
            return {"x264-params": ":".join(said)}
        if encoder == "libsvtav1" and (self.mastering or self.content):
            said = _said("mastering-display", self.mastering, None, None)
            said += [f"content-light={self.content[0]},{self.content[1]}"] if self.content else []
            return {"svtav1-params": ":".join(said)}
        return {}


def _mastering(data: bytes) -> tuple[float, ...]:
    """FFmpeg's AVMasteringDisplayMetadata: ten fractions, then whether colors and light are known."""
    if len(data) < 88:
        return ()
    *parts, colors, hdr = struct.unpack("=22i", data[:88])
    if not (colors and hdr) or not all(parts[1::2]):
        return ()
    return tuple(a / b for a, b in zip(parts[::2], parts[1::2], strict=True))


def _said(name: str, mastering: tuple[float, ...], color_unit: int | None, light_unit: int | None) -> list[str]:
    """`G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)`, in units of the encoder."""
    if not mastering:
        return []
    scaled = [f"{v:.5f}" if color_unit is None else str(round(v * color_unit)) for v in mastering[:8]]
    hdr = [f"{v:.5f}" if light_unit is None else str(round(v * light_unit)) for v in mastering[8:]]
    r, g, b, w = (f"({scaled[k]},{scaled[k + 1]})" for k in (0, 2, 4, 6))
    return [f"{name}=G{g}B{b}R{r}WP{w}L({hdr[1]},{hdr[0]})"]


def to_display(pixels: Pixels, hdr: HdrMetadata) -> Pixels:
    """PQ code values → display values, both uint16: diffuse white at 0.8, the peak at 1."""
    shown: Pixels = _tables(hdr.peak)[0][pixels]
    return shown


def from_display(pixels: Pixels, hdr: HdrMetadata) -> Pixels:
    """Display values → PQ code values, both uint16."""
    codes: Pixels = _tables(hdr.peak)[1][pixels]
    return codes


@cache
def _tables(peak: float) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    codes = np.arange(_CODES) / (_CODES - 1)
    shown = _shown(_luminance(codes), peak).clip(0, 1)
    back = np.interp(codes, shown, codes)
    return (shown * 65535).round().astype(np.uint16), (back * 65535).round().astype(np.uint16)


def _luminance(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """PQ code value in [0, 1] → cd/m² (SMPTE ST 2084)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = code ** (1 / m2)
    found: NDArray[np.float64] = BRIGHTEST * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return found


def _shown(luminance: NDArray[np.float64], peak: float) -> NDArray[np.float64]:
    """cd/m² → display value: a 2.4 gamma up to diffuse white, above it a logarithm."""
    relative = luminance / WHITE
    above = np.log1p(_BEND * np.maximum(relative - 1, 0)) / max(np.log1p(_BEND * (peak / WHITE - 1)), 1e-6)
    found: NDArray[np.float64] = np.where(relative < 1, _SHARE * relative ** (1 / 2.4), _SHARE + (1 - _SHARE) * above)
    return found
