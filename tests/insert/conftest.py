"""Films that ranges are rendered again in."""

from fractions import Fraction

import pytest

from tests.helpers import media

LATE = [0, 40, 80, 81, 160, 200, 260, 280, 320, 360, 400, 440, 480, 520, 560, 570, 640, 680, 720, 900]


@pytest.fixture
def film(tmp_path):
    """Twenty frames of a pan, at uneven times, with sound."""
    return media.write_clip(
        tmp_path / "film.mkv", media.panning(20), pts=LATE, time_base=Fraction(1, 1000), sound="aac"
    )


@pytest.fixture
def pan(tmp_path):
    """Twelve frames of a pan by two pixels each."""
    return media.write_clip(tmp_path / "pan.mkv", media.panning(12), sound=None)
