"""Sizes and steps of a frame."""

import pytest

from videostyle.settings import Settings
from videostyle.style.optimize.schedule import fresh_levels


def test_levels_have_as_many_steps_each():
    levels = fresh_levels(Settings(first_iterations=20, scales=(0.25, 0.5, 1.0)), 512)
    assert [(level.scale, level.iterations) for level in levels] == [(0.25, 20), (0.5, 20), (1.0, 20)]
    assert [level.progress(0.5) for level in levels] == pytest.approx([1 / 6, 1 / 2, 5 / 6])


def test_a_larger_picture_goes_through_the_sizes_of_a_smaller_one():
    larger, smaller = (
        [round(longest * level.scale) for level in fresh_levels(Settings(), longest)] for longest in (1024, 256)
    )
    assert smaller == [128, 256]
    assert larger == [*smaller, 512, 1024]
    assert [level.scale for level in fresh_levels(Settings(), 100)] == [1.0]
