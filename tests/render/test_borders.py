"""Where a job is cut into segments."""

from fractions import Fraction

import numpy as np
import pytest

from tests.helpers.jobs import SHORT
from videostyle.frames import Frame, Motion, TrackedFrame
from videostyle.render.borders import find_segments


def step(*, new_shot=False):
    pixels = np.zeros((1, 1, 3), np.uint8)
    plane = np.zeros((1, 1), np.float32)
    return TrackedFrame(Frame(pixels, 0, Fraction(1), 1, 0), None if new_shot else Motion(plane[..., None], plane))


def lengths_of(frames):
    return [segment.frames for segment in find_segments(frames, cuts=True, limits=SHORT)]


@pytest.mark.parametrize(
    ("shots", "lengths"), [([9], [4, 4, 1]), ([3, 6], [3, 4, 2]), ([1, 1, 1, 5], [2, 4, 2]), ([4, 4], [4, 4])]
)
def test_segments_end_at_cuts_and_at_a_length(shots, lengths):
    steps = [step(new_shot=n == 0) for shot in shots for n in range(shot)]
    assert lengths_of(steps) == lengths


def test_borders_are_the_same_from_any_border_on():
    steps = [step(new_shot=n in (0, 3, 4, 11, 12, 13, 20)) for n in range(30)]
    lengths = lengths_of(steps)
    for number in range(len(lengths)):
        rest = steps[sum(lengths[:number]) :]
        assert lengths_of(rest) == lengths[number:]
