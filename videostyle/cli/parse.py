"""Ranges and rates as they are typed."""

from __future__ import annotations

import re
from fractions import Fraction

from videostyle.errors import InputError
from videostyle.frames import Span
from videostyle.timecode import Timecode


def parse_frames(text: str) -> tuple[int, int | None]:
    """`A:B`, `A:`, `:B`, or `A` for one frame → first frame and the one after the last."""
    if re.fullmatch(r"\d+", text.strip()):
        return int(text), int(text) + 1
    match = re.fullmatch(r"(\d*):(\d*)", text.strip())
    if match is None or text.strip() == ":":
        raise InputError(f"--frames {text!r} is no range; say A:B, for example 0:24, or A for one frame")
    return int(match[1] or 0), int(match[2]) if match[2] else None


def parse_time(text: str) -> Fraction:
    """Seconds, or HH:MM:SS.mmm, or MM:SS → exact seconds."""
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)", text.strip())
    if match is None:
        raise InputError(f"{text!r} is no time; say seconds, HH:MM:SS.mmm or timecode, for example 00:01:02.5")
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + Fraction(match[3])


def parse_rate(text: str) -> Fraction:
    """`24`, `23.976` or `24000/1001` → exact frames per second."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,9})?)(?:/([1-9]\d{0,5}))?", text.strip())
    rate = Fraction(match[1]) / int(match[2] or 1) if match else Fraction(0)
    if not 0 < rate <= 1000:
        raise InputError(f"--fps {text!r} is no rate; say for example 24 or 24000/1001")
    return rate


def make_span(frames: str | None, start: str | None, end: str | None) -> Span:
    """A span from the words of the command line."""
    first, last = parse_frames(frames) if frames is not None else (0, None)
    (start_time, start_code), (end_time, end_code) = map(_parse_moment, (start, end))
    return Span(first, last, start_time, end_time, start_code, end_code)


def _parse_moment(text: str | None) -> tuple[Fraction | None, Timecode | None]:
    """The seconds or the timecode that a word says; neither if there is none."""
    code = None if text is None else Timecode.parse(text)
    return None if text is None or code else parse_time(text), code
