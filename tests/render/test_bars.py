"""Black bars, from pictures to whole films."""

import numpy as np
import pytest

import videostyle
from tests.helpers import media
from tests.helpers.jobs import SHORT, STYLED, planned, run_plan
from videostyle.frames import Frame, Motion, Reference, TrackedFrame
from videostyle.plan.plan import SegmentLimits
from videostyle.render.bars import NONE, crop_frame, find_bars

BUILTIN = STYLED.override(device="cpu", weights="builtin", first_iterations=3, iterations=2)


def barred(picture, top=0, bottom=0, left=0, right=0, black=0):
    return np.pad(picture, ((top, bottom), (left, right), (0, 0)), constant_values=black)


@pytest.mark.parametrize(
    ("bars", "black"), [((8, 8, 0, 0), 0), ((0, 0, 6, 6), 12), ((5, 6, 0, 0), 16), ((4, 4, 7, 7), 0), (NONE, 0)]
)
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_bars_are_found_to_the_pixel(bars, black, depth):
    top, bottom, left, right = bars
    picture = barred(media.texture(64, 48), top, bottom, left, right, black).astype(depth)
    assert find_bars(picture * (257 if depth is np.uint16 else 1)) == bars


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((48, 64, 3), np.uint8),
        barred(media.texture(64, 48), top=10),
        barred(media.texture(64, 48), top=4, bottom=12),
        barred(media.texture(64, 48), top=8, bottom=8, black=60),
        barred(media.texture(64, 4), top=30, bottom=30),
    ],
    ids=["black", "one side", "uneven", "gray", "a slit"],
)
def test_what_is_no_bar_is_left(picture):
    assert find_bars(picture) == NONE


def test_all_that_is_known_of_a_frame_is_cropped():
    flow, plane = np.zeros((20, 30, 2), np.float32), np.ones((20, 30), np.float32)
    frame = Frame(media.texture(30, 20), 0, 1, 1, 0, alpha=np.zeros((20, 30), np.uint8))
    tracked = TrackedFrame(frame, Motion(flow, plane), (Reference(0, Motion(flow, plane)),), (), (plane,))
    found = crop_frame(tracked, (2, 3, 4, 1))
    arrays = [found.frame.pixels, found.frame.alpha, found.motion.flow, found.motion.mask, *found.regions]
    arrays += [found.references[0].motion.flow, found.references[0].motion.mask]
    assert {array.shape[:2] for array in arrays} == {(15, 25)}
    np.testing.assert_array_equal(found.frame.pixels, frame.pixels[2:17, 4:29])


def test_bars_of_a_film_stay_black_and_the_picture_is_as_without_them(tmp_path, style):
    pictures = [*media.panning(3, seed=1), *(255 - image for image in media.panning(3, seed=9))]
    letterboxed = [barred(picture, 8, 8) for picture in pictures]
    media.write_clip(tmp_path / "plain.mkv", pictures)
    media.write_clip(tmp_path / "barred.mkv", letterboxed)
    settings = BUILTIN.override(codec="ffv1")
    for name in ("plain", "barred"):
        videostyle.stylize_video(tmp_path / f"{name}.mkv", style, tmp_path / f"{name}-out.mkv", settings)
    plain, found = (media.shown(tmp_path / f"{name}-out.mkv")[0] for name in ("plain", "barred"))
    for inner, whole in zip(plain, found, strict=True):
        assert whole[:8].max() == whole[-8:].max() == 0
        assert np.abs(whole[8:-8].astype(int) - inner).mean() < 6
    videostyle.stylize_video(tmp_path / "barred.mkv", style, tmp_path / "all.mkv", settings.override(bars="style"))
    assert media.shown(tmp_path / "all.mkv")[0][0][:8].max() > 20


def test_a_job_goes_on_between_the_same_bars(tmp_path, style):
    pictures = [barred(p, 6, 6) for p in media.panning(7)]
    media.write_clip(tmp_path / "in.mkv", pictures)
    made = []
    for name, limits in (("whole", SegmentLimits()), ("pieces", SHORT)):
        plan = planned(
            tmp_path / "in.mkv", style, tmp_path / f"{name}.mkv", BUILTIN.override(codec="ffv1"), limits=limits
        )
        run_plan(plan)
        made.append(media.shown(tmp_path / f"{name}.mkv")[0])
    for one, other in zip(*made, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one[:6].max() == 0
