"""What is known of a clip."""

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.helpers import media
from videostyle.media.probe import probe


@pytest.mark.parametrize(
    ("rate", "time_base", "ticks"),
    [
        (Fraction(24), Fraction(1, 24), 1),
        (Fraction(24000, 1001), Fraction(1, 1000), 42),
        (Fraction(90), Fraction(1), 1),
    ],
)
def test_the_usual_duration_is_a_frame_at_the_average_rate(clip, rate, time_base, ticks):
    assert replace(probe(clip), rate=rate, time_base=time_base).usual_duration == ticks


def test_a_clip_with_a_first_number_is_a_sequence(tmp_path):
    found = probe(media.write_clip(tmp_path / "video.mkv", media.panning(2)))
    assert not found.is_sequence
    assert replace(found, first_number=0).is_sequence
