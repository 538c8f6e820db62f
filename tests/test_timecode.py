"""SMPTE timecode against names that are counted one by one."""

from itertools import product

import pytest

from videostyle.errors import InputError
from videostyle.timecode import Timecode, frames_between


@pytest.mark.parametrize(("rate", "dropped"), [(30, 2), (60, 4), (24, 0), (25, 0)])
def test_every_frame_of_an_hour_has_its_own_name_in_order(rate, dropped):
    everything = product(range(1), range(60), range(60), range(rate))
    counted = [t for t in everything if t[2] or t[3] >= dropped or t[1] % 10 == 0]
    drop = dropped > 0
    codes = [Timecode(*t, drop=drop) for t in counted]
    assert [Timecode.of_frame(n, rate, drop=drop) for n in range(len(counted))] == codes
    assert [code.number(rate) for code in codes] == list(range(len(codes)))


@pytest.mark.parametrize(
    ("text", "frames", "rate", "later"),
    [
        ("01:00:59;29", 1, 30, "01:01:00;02"),
        ("01:09:59;29", 1, 30, "01:10:00;00"),
        ("01:00:59:29", 1, 30, "01:01:00:00"),
        ("23:59:59:23", 1, 24, "00:00:00:00"),
        ("23:59:59;29", 2, 30, "00:00:00;01"),
        ("00:00:59;59", 1, 60, "00:01:00;04"),
        ("10:00:00;00", 107892, 30, "11:00:00;00"),
    ],
)
def test_a_timecode_moves_on_by_frames_and_back(text, frames, rate, later):
    first = Timecode.parse(text)
    assert str(first.moved(frames, rate)) == later
    assert frames_between(first, Timecode.parse(later), rate) == frames


@pytest.mark.parametrize("text", ["00:01:02.5", "1:02", "62.5", "", "01:00:10:1", "01:00:10:123", "a:00:00:00"])
def test_other_words_are_no_timecode(text):
    assert Timecode.parse(text) is None


@pytest.mark.parametrize(
    ("text", "rate", "said"),
    [
        ("01:00:00:24", 24, "no timecode at 24 frames"),
        ("24:00:00:00", 24, "no timecode"),
        ("00:60:00:00", 24, "no timecode"),
        ("00:00:60:00", 24, "no timecode"),
        ("00:00:00;00", 25, "for 29.97"),
        ("00:01:00;01", 30, "say 00:01:00;02"),
    ],
)
def test_what_names_no_frame_is_refused(text, rate, said):
    with pytest.raises(InputError, match=said):
        Timecode.parse(text).number(rate)
