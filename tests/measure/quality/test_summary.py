"""Many frames as few numbers."""

import math

import pytest

from videostyle.measure.quality.summary import Statistic


def test_a_statistic_by_hand():
    found = Statistic()
    for frame, value in enumerate([1.0, -3.0, 2.0]):
        found = found.add(value, frame, ideal=0.0)
    assert found == Statistic(3, 0.0, pytest.approx(math.sqrt(14 / 3)), -3.0, 1, 2.0)
    assert Statistic().add(1.5, 0, ideal=1.0).add(0.2, 1, ideal=1.0).worst == 0.2
