"""What is measured, against clips whose motion and faults are known exactly."""

import math
import weakref
from fractions import Fraction

import cv2
import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.clips import H, W, mean, noisy, pan, shifted, soft, still
from videostyle.frames import Frame
from videostyle.measure.quality import formulas
from videostyle.measure.quality.compare import Pair, compare
from videostyle.motion.flow import METHODS


def test_an_output_that_moves_exactly_has_nearly_no_error(measured):
    other = [255 - image for image in pan(6, seed=5)]  # not the content's picture, only its motion
    found, frames = measured(pan(6), other)
    assert mean(found, "warp_error") < 0.004
    assert mean(found, "warp_error_content") < 0.002
    assert mean(found, "warp_trusted") > 0.9
    assert frames[0].warp_error is None
    assert found.statistics["warp_error"].count == 5


def test_independent_noise_has_the_error_of_two_noises(measured):
    found, _ = measured(still(5), noisy(soft(still(5)), 8))
    assert mean(found, "warp_error") == pytest.approx(8 * math.sqrt(2) / 255, rel=0.03)
    assert mean(found, "warp_error_content") == 0
    assert found.ratio("warp_error") is None  # over nothing
    moving, _ = measured(pan(5), noisy(soft(pan(5)), 8))
    assert mean(moving, "warp_error") == pytest.approx(8 * math.sqrt(2) / 255, rel=0.08)
    assert moving.ratio("warp_error") > 10


@pytest.mark.parametrize("other", [pan(6)[::-1], pan(6, step=1), still(6)], ids=["backwards", "at half speed", "not"])
def test_an_output_that_moves_otherwise_is_caught(measured, other):
    found, _ = measured(pan(6), other)
    assert mean(found, "warp_error") > 0.02
    assert mean(found, "warp_error_content") < 0.002


def disc_over_a_still_ground(count):
    """(frames, where the disc is in each); it moves 5 pixels right a frame."""
    ground, skin = media.texture(160, 96, seed=1), media.texture(160, 96, seed=2)
    places = [cv2.circle(np.zeros((96, 160), np.uint8), (40 + 5 * t, 48), 16, 1, -1) > 0 for t in range(count)]
    frames = [ground.copy() for _ in range(count)]
    for t, (frame, place) in enumerate(zip(frames, places, strict=True)):
        frame[place] = np.roll(skin, 5 * t, axis=1)[place]
    return frames, places


def test_what_comes_to_light_does_not_count_but_the_rest_does(measured):
    frames, places = disc_over_a_still_ground(5)
    fresh, old = [f.copy() for f in frames], [f.copy() for f in frames]
    for t in range(1, 5):
        uncovered = cv2.erode((places[t - 1] & ~places[t]).astype(np.uint8), np.ones((3, 3))) > 0
        fresh[t][uncovered] = 255
        old[t][20 : 20 + t, 110:140] = 255
    at_uncovered, at_ground = (mean(measured(frames, bad)[0], "warp_error") for bad in (fresh, old))
    floor = mean(measured(frames, frames)[0], "warp_error")
    assert at_uncovered < floor + 0.021
    assert at_ground > floor + 0.021


def test_the_long_range_sees_what_adds_up(measured):
    found, frames = measured(still(7), shifted(soft(still(7)), lambda t: -2 * t), long=4)
    assert mean(found, "warp_error") == pytest.approx(2 / 255, rel=1e-3)
    assert mean(found, "long_error") == pytest.approx(8 / 255, rel=1e-3)
    assert [m.long_error is None for m in frames] == [True] * 4 + [False] * 3


def test_a_flicker_is_told_in_levels_and_the_content_has_none(measured):
    found, _ = measured(still(6), shifted(soft(still(6)), lambda t: 4 * (-1) ** t))
    assert mean(found, "flicker") == pytest.approx(8, rel=1e-4)
    assert mean(found, "flicker_content") == 0
    assert mean(found, "still") == 1
    assert found.statistics["drift"].worst == pytest.approx(-8, abs=1e-3)


def test_noise_flickers_by_its_mean_absolute_difference(measured):
    found, _ = measured(still(5), noisy(soft(still(5)), 8))
    assert mean(found, "flicker") == pytest.approx(2 * 8 / math.sqrt(math.pi), rel=0.03)


def test_nothing_flickers_where_all_of_it_moves(measured):
    found, frames = measured(pan(4), pan(4))
    assert found.statistics["flicker"].count == 0
    assert frames[2].still < formulas.ENOUGH


def test_a_darkening_output_drifts_by_its_levels(measured):
    found, frames = measured(still(6), shifted(soft(still(6)), lambda t: np.array([-3.0, -1.0, 1.0]) * t))
    assert [frames[5].drift_red, frames[5].drift_green, frames[5].drift_blue] == pytest.approx([-15, -5, 5])
    assert found.statistics["drift"].last == pytest.approx(-5)
    assert found.statistics["drift_followed"].last == pytest.approx(-5)
    assert abs(found.statistics["drift"].worst) == pytest.approx(5)
    assert found.statistics["palette_drift"].last > 5


def test_what_enters_the_picture_is_no_drift_along_the_motion(measured):
    inverted = [(220 - 0.7 * image).astype(np.uint8) for image in pan(8, step=4)]
    _, frames = measured(pan(8, step=4), shifted(inverted, lambda t: -t))
    assert frames[-1].drift_followed == pytest.approx(-7, abs=0.5)


def test_a_fade_of_the_content_is_not_held_against_the_output(measured):
    to_black = shifted(soft(still(6)), lambda t: -4 * t)
    _, frames = measured(to_black, shifted(to_black, lambda t: 30))
    assert frames[-1].drift == pytest.approx(0, abs=1e-3)
    assert frames[-1].palette_drift == pytest.approx(0, abs=1e-3)
    assert frames[-1].contrast_drift == pytest.approx(0, abs=1e-3)


def test_an_output_that_stays_where_the_content_s_light_changes_has_not_drifted(measured):
    fading = shifted(soft(still(6)), lambda t: -4 * t)
    _, frames = measured(fading, soft(still(6)))
    assert frames[-1].drift == pytest.approx(0, abs=1e-3)
    _, frames = measured(fading, shifted(soft(still(6)), lambda t: -6 * t))
    assert frames[-1].drift == pytest.approx(-10, abs=1e-3)


def test_flattening_is_told_as_contrast(measured):
    image = soft(still(1))[0]
    flat = [(128 + (image.astype(float) - 128) * (1 - 0.1 * t)).round().astype(np.uint8) for t in range(5)]
    _, frames = measured(still(5), flat)
    luma = (image @ np.array([0.2126, 0.7152, 0.0722])).std()
    assert frames[4].contrast_drift == pytest.approx(-0.4 * luma, abs=0.3)


def test_blur_is_told_as_sharpness(measured):
    image = media.texture(W, H)
    blurred = [image] + [cv2.GaussianBlur(image, (0, 0), 0.8 * t) for t in range(1, 5)]
    found, frames = measured(still(5), blurred)
    sharpness = [m.sharpness for m in frames]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] == 1
    assert sharpness[-1] < 0.3
    assert mean(found, "sharpness_content") == 1
    assert found.statistics["sharpness"].worst_frame == 4


def test_no_measure_crosses_a_cut(measured):
    content = pan(7, seed=1) + [255 - image for image in pan(7, seed=9)]
    output = shifted(soft(content), lambda t: 25 * (t >= 7))
    found, frames = measured(content, output, long=3)
    assert found.shots == 2
    assert [m.shot for m in frames] == [0] * 7 + [1] * 7
    assert [m.frame for m in frames if m.warp_error is None] == [0, 7]
    assert [m.frame for m in frames if m.long_error is None] == [0, 1, 2, 7, 8, 9]
    assert found.statistics["warp_error"].worst < 0.01
    assert (frames[7].drift, frames[7].drift_followed, frames[7].sharpness) == (0, 0, 1)
    assert max(abs(m.drift_followed) for m in frames) < 0.5


def test_no_more_frames_are_kept_than_the_long_range_needs():
    alive: weakref.WeakSet[Frame] = weakref.WeakSet()

    def pairs():
        for t in range(24):
            frames = [Frame(np.full((16, 16, 3), t, np.uint8), t, Fraction(1, 24), 1, t) for _ in range(2)]
            alive.update(frames)
            yield Pair(*frames, fresh=t == 0)

    most = max(len(alive) for _ in compare(pairs(), 4, METHODS["dis-fast"]))
    assert most <= 2 * 6
