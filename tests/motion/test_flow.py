"""Optical flow, and where it is trusted."""

import cv2
import numpy as np
import pytest

from tests.helpers import media
from videostyle.motion.flow import (
    ALIKE,
    CLEARLY_BETTER,
    MASKS,
    METHODS,
    REACHES,
    away_from_motion_boundaries,
    estimate,
    forward_backward_consistency,
    photometric_consistency,
    previously_visible,
    refine_boundaries,
)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "none"])
def test_backward_flow_points_to_where_the_picture_was(name):
    before, now = media.panning(2, 128, 96, step=3)
    flow = estimate(before, now, METHODS[name]).flow[16:-16, 16:-16]
    # the picture moved 3 pixels left, so it was 3 pixels to the right
    assert abs(np.median(flow[..., 0]) - 3) < (1.0 if name == "dis-ultrafast" else 0.35)
    assert abs(np.median(flow[..., 1])) < 0.35


def test_without_flow_only_what_stands_still_is_trusted():
    (before, was), (now, covers) = moving_disc()
    motion = estimate(before, now, METHODS["none"])
    assert not motion.flow.any()
    assert motion.mask[(was | covers) > 0].mean() < 0.6
    assert motion.mask[cv2.dilate(was | covers, np.ones((9, 9))) == 0].min() > 0.9


def test_fine_flow_is_exact_to_a_tenth_of_a_pixel():
    before, now = media.panning(2, 128, 96, step=2)
    flow = estimate(before, now, METHODS["dis-fine"]).flow[16:-16, 16:-16]
    assert np.hypot(flow[..., 0] - 2, flow[..., 1]).mean() < 0.1


def test_what_enters_the_picture_is_not_trusted_and_the_rest_is():
    before, now = media.panning(2, 128, 96, step=6)
    mask = estimate(before, now, METHODS["dis-fine"]).mask
    assert mask[:, -5:].max() < 0.1
    assert mask[10:-10, 10:-16].mean() > 0.97


@pytest.mark.parametrize("step", [0, 0.1, 0.4])
def test_what_enters_by_less_than_a_pixel_is_trusted_by_as_much_less(step):
    flow = np.zeros((20, 30, 2), np.float32)
    flow[..., 0] = step
    trusted = forward_backward_consistency(flow, -flow)
    assert trusted[:, :-1].min() == 1
    np.testing.assert_allclose(trusted[:, -1], 1 - 2 * step, atol=1e-5)


def moving_disc():
    """A disc moves 6 pixels right over a still ground: (picture, where the disc is) twice."""
    ground = media.texture(160, 96, seed=1)
    disc = np.zeros((96, 160), np.uint8)
    images = []
    for x in (60, 66):
        picture = ground.copy()
        disc[:] = cv2.circle(np.zeros_like(disc), (x, 48), 20, 1, -1)
        picture[disc > 0] = np.roll(media.texture(160, 96, seed=2), x - 60, axis=1)[disc > 0]
        images.append((picture, disc.copy()))
    return images


def test_motion_ends_where_the_moving_thing_does():
    (before, was), (now, covers) = moving_disc()
    near, touched = (cv2.dilate(d, np.ones((k, k), np.uint8)) > 0 for d, k in ((covers, 11), (was | covers, 3)))
    ring = near & ~touched
    smooth = METHODS["dis-fine"](*(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (now, before)))
    error = np.hypot(*refine_boundaries(smooth, now, before).transpose(2, 0, 1))[ring].mean()
    assert error < 0.5 * np.hypot(*smooth.transpose(2, 0, 1))[ring].mean()


def test_a_smooth_motion_is_left_as_it_was_found():
    before, now = media.panning(2, 128, 96, step=2)
    smooth = METHODS["dis-fine"](*(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (now, before)))
    assert np.abs(refine_boundaries(smooth, now, before) - smooth)[16:-16, 16:-16].max() < 0.5


def settled_everywhere(flow, here, there):
    """The definition of `refine_boundaries`: every pixel asks all its neighbours."""
    h, w = flow.shape[:2]
    y, x = np.mgrid[:h, :w].astype(np.float32)

    def mismatch(flow):
        ends = x + flow[..., 0], y + flow[..., 1]
        moved = cv2.remap(there, *ends, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return cv2.GaussianBlur(np.abs(here.astype(np.float32) - moved).sum(-1), (0, 0), 1.0)

    found, least = flow.copy(), CLEARLY_BETTER * mismatch(flow)
    for dx, dy in ((r * a, r * b) for r in REACHES for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))):
        at = np.clip(y + dy, 0, h - 1).astype(int), np.clip(x + dx, 0, w - 1).astype(int)
        offered = flow[at]
        taken = (mismatch(offered) < least) & (np.abs(offered - flow).max(-1) > ALIKE)
        least = np.where(taken, mismatch(offered), least)
        found[taken] = offered[taken]
    return found


@pytest.mark.parametrize("noise", [0, 2])
def test_only_pixels_with_other_neighbours_are_asked_and_nothing_is_missed(noise):
    (before, _), (now, _) = moving_disc()
    flow = METHODS["dis-fine"](*(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (now, before)))
    flow += noise * np.random.default_rng(0).normal(size=flow.shape).astype(np.float32)
    expected = settled_everywhere(flow, now, before)
    assert (expected != flow).any()
    np.testing.assert_allclose(refine_boundaries(flow, now, before), expected, atol=1e-4)


def test_what_an_object_uncovers_is_not_trusted():
    (before, was), (now, covers) = moving_disc()
    uncovered = cv2.erode(((was > 0) & (covers == 0)).astype(np.uint8), np.ones((3, 3))) > 0
    mask = estimate(before, now, METHODS["dis-fine"]).mask
    assert mask[uncovered].mean() < 0.35
    assert mask[:, 100:].mean() > 0.95
    assert mask[30:66, 64:80].mean() > 0.8  # the object itself is followed


def test_a_flow_that_does_not_lead_home_is_not_trusted():
    flow = np.zeros((20, 20, 2), np.float32)
    assert forward_backward_consistency(flow, flow).min() == 1
    assert forward_backward_consistency(flow, flow + 3)[5:-5, 5:-5].max() == 0


def test_the_border_of_a_slow_pan_is_not_trusted_as_much_and_that_of_a_still_is():
    flow = np.zeros((20, 20, 2), np.float32)
    assert forward_backward_consistency(flow, flow).min() == 1
    flow[..., 0] = 0.4
    trusted = forward_backward_consistency(flow, -flow)
    assert trusted[:, -1].max() < 0.3
    assert trusted[:, :-1].min() == 1


def test_the_edge_of_what_moves_is_a_boundary():
    flow = np.zeros((20, 20, 2), np.float32)
    flow[:, 10:] = 4
    calm = away_from_motion_boundaries(flow)
    assert calm[:, 9:11].max() == 0
    assert calm[:, :8].min() == calm[:, 12:].min() == 1


def test_what_no_flow_leads_to_was_hidden_also_where_it_is_stretched_over_it():
    forward = np.zeros((20, 60, 2), np.float32)
    forward[..., 0] = np.interp(np.arange(60), [28, 32], [-3, 3])  # the halves part, and leave 6 pixels between them
    seen = previously_visible(forward)[8:-8]
    assert seen[:, 28:33].max() == 0
    assert seen[:, 4:24].min() == seen[:, 36:56].min() == 1


def test_what_a_camera_that_moves_in_spreads_out_was_not_hidden():
    y, x = np.mgrid[:48, :64].astype(np.float32)
    forward = 0.25 * np.stack([x - 32, y - 24], -1)
    assert previously_visible(forward)[4:-4, 4:-4].min() == 1


def test_a_flow_that_explains_another_picture_is_not_trusted():
    before, now = media.panning(2, 96, 64, step=2)
    flow = np.zeros((64, 96, 2), np.float32)
    flow[..., 0] = 2
    changed = now.copy()
    changed[20:40, 30:60] = 255 - changed[20:40, 30:60]
    right = photometric_consistency(flow, changed, before)
    assert right[24:36, 34:56].mean() < 0.2
    assert right[:, :26].mean() > 0.98


def test_where_all_is_wrong_nothing_is_trusted():
    flow, picture = np.zeros((64, 96, 2), np.float32), media.texture(96, 64)
    for other in (np.full_like(picture, 255), media.texture(96, 64, seed=5)):
        assert photometric_consistency(flow, picture, other).mean() < 0.35


def test_a_change_of_light_is_no_reason_for_doubt():
    before, now = media.panning(2, 96, 64, step=2)
    flow = np.zeros((64, 96, 2), np.float32)
    flow[..., 0] = 2
    for darker in (0.6 * now.astype(float), 0.8 * now + np.array([30, 0, 20])):
        assert photometric_consistency(flow, darker.clip(0, 255).astype(np.uint8), before)[:, :-4].mean() > 0.95


def test_evidence_finds_more_of_what_was_uncovered_than_geometry_and_doubts_less_else():
    (before, was), (now, covers) = moving_disc()
    uncovered = (was > 0) & (covers == 0)
    precision, recall = {}, {}
    for name in MASKS:
        doubt = 1 - estimate(before, now, METHODS["dis-fine"], name).mask
        precision[name] = doubt[uncovered].sum() / doubt.sum()
        recall[name] = doubt[uncovered].sum() / uncovered.sum()
    assert precision["evidence"] > 1.2 * max(precision["geometry"], precision["boundary"]) > 0.1
    assert recall["evidence"] > 0.95


def test_large_frames_get_flow_in_their_own_pixels():
    small = [cv2.resize(image, (1400, 500), interpolation=cv2.INTER_CUBIC) for image in media.panning(2, 140, 50, 1)]
    motion = estimate(*small, METHODS["dis-fast"])
    assert motion.flow.shape == (500, 1400, 2)
    assert abs(np.median(motion.flow[100:-100, 100:-100, 0]) - 10) < 1


def test_sixteen_bit_frames_move_as_eight_bit_ones():
    eight = media.panning(2, 96, 64)
    deep = [image.astype(np.uint16) * 257 for image in eight]
    np.testing.assert_allclose(
        estimate(*deep, METHODS["dis-fine"]).flow, estimate(*eight, METHODS["dis-fine"]).flow, atol=0.05
    )


def test_a_plain_place_moves_with_what_is_around_it():
    """A dark field whose faint grain is another in every frame, under hills that pan."""
    rng, hills = np.random.default_rng(3), media.panning(2, 96, 64, step=3)
    for image in hills:
        image[36:] = np.clip(30 + rng.normal(0, 1.5, (28, 96, 3)), 0, 255)
    motion = estimate(*hills, METHODS["dis-fine"])
    field = (slice(42, 58), slice(8, 84))
    assert motion.mask[field].mean() > 0.8
    assert np.abs(motion.flow[field] - (3, 0)).mean() < 0.5


def test_a_plain_place_that_comes_to_light_is_not_trusted():
    """A bright disc leaves a dark field: what it hid is new."""
    before, now = (np.full((64, 96, 3), 30, np.uint8) for _ in range(2))
    for image, x in ((before, 30), (now, 54)):
        image[:20] = media.texture(96, 20)
        cv2.circle(image, (x, 44), 9, (250, 240, 120), -1)
    motion = estimate(before, now, METHODS["dis-fine"])
    assert motion.mask[38:50, 25:35].mean() < 0.3


@pytest.mark.parametrize("size", [(728, 90), (90, 728), (200, 17), (16, 400), (40, 9), (9, 9)])
@pytest.mark.parametrize("name", ["dis-fast", "dis-fine", "dis-medium"])
def test_slivers_have_flow(size, name):
    before, now = media.panning(2, *size, step=1)
    found = estimate(before, now, METHODS[name])
    assert found.flow.shape == (size[1], size[0], 2)
    assert np.isfinite(found.flow).all()
    assert np.isfinite(found.mask).all()
    if size[0] > 100:
        assert np.abs(found.flow[4:-4, 20:-20] - (1, 0)).mean() < 0.3
