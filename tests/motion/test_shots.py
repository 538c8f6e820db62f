"""Where a shot begins, and what only looks like it."""

import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.frames import as_frames
from videostyle.motion.shots import find_shots


def cuts(images):
    return [frame.index for frame, new in find_shots(as_frames(images)) if new]


def test_a_hard_cut_is_found_at_its_frame():
    assert cuts(media.panning(7, seed=1) + [255 - image for image in media.panning(7, seed=9)]) == [0, 7]


def test_a_pan_a_fade_and_a_still_have_no_cut():
    pan = media.panning(12, step=4)
    assert cuts(pan) == [0]
    assert cuts([(image * (1 - t / 24)).astype(np.uint8) for t, image in enumerate(pan)]) == [0]
    assert cuts([pan[0]] * 12) == [0]


@pytest.mark.parametrize("levels", [(0, 120, 180, 240, 180, 240), (60, 120, 60, 120, 180, 60), (0, 60, 0, 120, 60, 0)])
def test_a_jolt_next_to_an_end_is_no_cut_and_none_in_the_middle(levels):
    assert cuts([np.full((36, 64, 3), level, np.uint8) for level in levels]) == [0]


@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_cut_next_to_an_end_is_found(at):
    images = media.panning(6, seed=1)
    images[at:] = [255 - image for image in media.panning(6 - at, seed=9)]
    assert cuts(images) == [0, at]


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("level", [0, 255])
def test_a_flash_is_no_cut(frames, level):
    images = media.panning(14, step=1)
    images[6 : 6 + frames] = [np.full_like(images[0], level)] * frames
    assert cuts(images) == [0]


def test_a_camera_flash_on_what_moves_is_no_cut():
    images = media.panning(14, step=2)
    images[6] = (images[6].astype(int) + 110).clip(0, 255).astype(np.uint8)
    assert cuts(images) == [0]


@pytest.mark.parametrize("length", [1, 2])
def test_a_cut_through_white_is_a_cut(length):
    one, other = media.panning(6, seed=1), [255 - image for image in media.panning(6, seed=9)]
    white = [np.full_like(one[0], 255)] * length
    assert cuts(one + white + other) == [0, 6 + length]


def test_a_cut_with_a_flash_before_it_is_a_cut():
    one, other = media.panning(12, seed=1), [255 - image for image in media.panning(6, seed=9)]
    one[4] = np.full_like(one[4], 255)
    assert cuts(one + other) == [0, 12]


@pytest.mark.parametrize("length", [3, 4])
def test_a_fade_to_black_and_back_is_no_cut(length):
    light = [min(1, abs(t - 3 - length) / length) for t in range(14)]
    images = [(image * share).astype(np.uint8) for image, share in zip(media.panning(14), light, strict=True)]
    assert cuts(images) == [0]


@pytest.mark.parametrize("length", [4, 8])
def test_a_dissolve_is_no_cut(length):
    share = [min(1, max(0, (t - 3) / length)) for t in range(14)]
    pairs = zip(media.panning(14, seed=1), media.panning(14, seed=9), share, strict=True)
    assert cuts([(a * (1 - s) + (255.0 - b) * s).astype(np.uint8) for a, b, s in pairs]) == [0]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
def test_short_clips_lose_no_frame(count):
    found = list(find_shots(as_frames(media.panning(count))))
    assert [frame.index for frame, _ in found] == list(range(count))
    assert [new for _, new in found] == [True] + [False] * (count - 1)
