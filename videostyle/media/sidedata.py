"""What decoded frames carry beside their picture, read around what PyAV 18.1 gets wrong with it.

Its `Type` knows the kinds of an older FFmpeg, and one frame with another kind, such as EXIF, cannot be asked for any.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from av import VideoFrame
from av.sidedata.sidedata import SideData, Type


def _unknown(kind: type[Type], value: object) -> Type:
    """Make the member for a kind that PyAV does not know."""
    member = object.__new__(kind)
    member.__dict__.update(_name_=f"UNKNOWN_{value}", _value_=value)
    return member


Type._missing_ = classmethod(_unknown)  # type: ignore[assignment]


def side_data(frame: VideoFrame) -> dict[str, bytes]:
    """Return what a decoded frame carries beside its picture, by FFmpeg's names; never read it otherwise."""
    return {data.type.name: bytes(data) for data in cast(Iterable[SideData], frame.side_data)}
