"""SMPTE 12M timecode: a name for each frame of a day, and the frames that drop-frame counting leaves unnamed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from videostyle.errors import InputError

_WORDS = re.compile(r"(\d\d?)[:;](\d\d)[:;](\d\d)[:;](\d\d)")
_DROPPED_OF = 15  # of so many frames a second, one name is left out at the start of nine minutes out of ten


@dataclass(frozen=True)
class Timecode:
    """The name of a frame.

    Args:
        hours, minutes, seconds, frames: As in 01:00:10:12.
        drop: Counted by drop-frame, written with a semicolon: 2 names a minute are left out at 30 frames a second.

    """

    hours: int
    minutes: int
    seconds: int
    frames: int
    drop: bool = False

    @classmethod
    def parse(cls, text: str) -> Timecode | None:
        """Read `01:00:10:12`, or `01:00:10;12` for drop-frame; None for any other words."""
        match = _WORDS.fullmatch(text.strip())
        if match is None:
            return None
        hours, minutes, seconds, frames = map(int, match.groups())
        return cls(hours, minutes, seconds, frames, ";" in text)

    @classmethod
    def of_frame(cls, number: int, rate: int, *, drop: bool = False) -> Timecode:
        """Return the name of the frame `number` since midnight, at `rate` frames a second."""
        number %= _day(rate, drop)
        if drop:
            tens, rest = divmod(number, _ten_minutes(rate))
            minutes = max(0, (rest - _dropped(rate)) // (60 * rate - _dropped(rate)))
            number += _dropped(rate) * (9 * tens + minutes)
        seconds, frames = divmod(number, rate)
        return cls(seconds // 3600, seconds // 60 % 60, seconds % 60, frames, drop)

    def __str__(self) -> str:
        mark = ";" if self.drop else ":"
        return f"{self.hours:02d}:{self.minutes:02d}:{self.seconds:02d}{mark}{self.frames:02d}"

    def problem(self, rate: int) -> str:
        """Return what is wrong with it as the name of a frame at `rate` frames a second; empty if nothing is."""
        if self.hours > 23 or self.minutes > 59 or self.seconds > 59 or self.frames >= rate:
            return f"{self} is no timecode at {rate} frames a second"
        if self.drop and rate % 30:
            return f"{self} is drop-frame, which is for 29.97 and 59.94 frames a second"
        if self.drop and self.frames < _dropped(rate) and self.seconds == 0 and self.minutes % 10:
            return f"{self} is left out by drop-frame counting; say {replace(self, frames=_dropped(rate))}"
        return ""

    def number(self, rate: int) -> int:
        """Return how many frames have been shown since midnight, at `rate` frames a second.

        Raises:
            InputError: There is no such timecode at this rate.

        """
        if problem := self.problem(rate):
            raise InputError(problem)
        minutes = 60 * self.hours + self.minutes
        skipped = _dropped(rate) * (minutes - minutes // 10) if self.drop else 0
        return (60 * minutes + self.seconds) * rate + self.frames - skipped

    def moved(self, frames: int, rate: int) -> Timecode:
        """Return the name of the frame so many frames later; a day begins anew at midnight."""
        return Timecode.of_frame(self.number(rate) + frames, rate, drop=self.drop)


def frames_between(first: Timecode, later: Timecode, rate: int) -> int:
    """Return how many frames lie between two names, the second of them on the same day or the next.

    Raises:
        InputError: One of them is no timecode at this rate.

    """
    return (later.number(rate) - first.number(rate)) % _day(rate, first.drop)


def _dropped(rate: int) -> int:
    return rate // _DROPPED_OF


def _ten_minutes(rate: int) -> int:
    return 600 * rate - 9 * _dropped(rate)


def _day(rate: int, drop: bool) -> int:
    return 144 * (_ten_minutes(rate) if drop else 600 * rate)
