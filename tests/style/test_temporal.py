"""What earlier frames ask of a frame: strokes, their content, and what is laid under them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from videostyle.frames import Motion
from videostyle.style.optimize.schedule import share_of_steps
from videostyle.style.pixels import flow_to_tensor
from videostyle.style.temporal import TemporalTarget, fresh_state
from videostyle.style.warp import warp

H, W = 48, 64


def picture(seed, smooth=0):
    image = torch.rand(1, 3, H, W, generator=torch.Generator().manual_seed(seed))
    for _ in range(smooth):
        image = F.avg_pool2d(image, 3, 1, 1, count_include_pad=False)
    return image


def motion(dx=0.0, trusted=1.0):
    flow = np.zeros((H, W, 2), np.float32)
    flow[..., 0] = dx
    return Motion(flow, np.full((H, W), trusted, np.float32))


def target(image, before, content, moved=None):
    return TemporalTarget.of([(fresh_state(image, before), moved or motion())], content)


def distance(one, other):
    return float((one - other).square().mean().sqrt())


def test_what_stands_still_is_left_as_it_is():
    strokes, content = picture(1, 1), picture(2, 1)
    held = target(strokes, content, content)
    renewed = held.renewed(content)
    torch.testing.assert_close(renewed.image, held.image, atol=1e-6, rtol=0)
    torch.testing.assert_close(renewed.content, content, atol=1e-4, rtol=0)


def test_a_new_drawing_is_laid_under_the_strokes_and_counts_as_theirs():
    strokes, before, after = 0.25 + 0.5 * picture(1, 1), torch.full((1, 3, H, W), 0.5), torch.full((1, 3, H, W), 0.5)
    after[:, :, 10:34, 20:44] += 0.2 * (torch.arange(24) // 3 % 2 * 2 - 1)
    held = target(strokes, before, after)
    renewed = held.renewed(after)
    there, elsewhere = (..., slice(14, 30), slice(24, 40)), (..., slice(40, 48), slice(0, 12))
    assert distance(renewed.content[there], after[there]) < 0.3 * distance(before[there], after[there])
    torch.testing.assert_close((renewed.image - held.image)[there], (renewed.content - held.content)[there])
    assert distance(renewed.image[elsewhere], held.image[elsewhere]) < 0.01


def test_strokes_of_another_scene_are_let_go_and_a_change_of_light_is_no_other_scene():
    strokes, drawing = picture(1, 1), 0.2 * (picture(2, 1) - 0.5)
    slope = torch.linspace(0.2, 0.8, W).expand(1, 3, H, W)
    before, darker, other = slope + drawing, 0.6 * (slope + drawing) + 0.1, slope.flip(3) + drawing
    held = {name: target(strokes, before, now) for name, now in (("darker", darker), ("other", other))}
    assert float(held["darker"].renewed(darker).outdated.max()) < 0.1
    renewed = held["other"].renewed(other)
    ends = (..., slice(0, 16))
    assert float(renewed.mask[ends].max()) < 0.1
    assert torch.equal(renewed.next_state(strokes, other).content[ends], other[ends])
    torch.testing.assert_close(renewed.begun(other).start[ends], other[ends], atol=1e-4, rtol=0)
    assert held["other"].renewed(other, lit=False) is held["other"]


def test_areas_of_color_do_not_follow_the_content():
    strokes, before = picture(1, 1), picture(2, 1)
    lighter = (before * 0.8 + 0.15).clamp(0, 1)
    renewed = target(strokes, before, lighter, motion(1.0)).renewed(lighter)
    assert abs(float(renewed.image.mean() - strokes.mean())) < 0.005


def test_strokes_that_move_are_worn_and_those_that_stand_are_not():
    strokes, content = picture(1, 1), picture(2, 1)
    gone = []
    for pixels in (0.0, 0.05, 1.0, 2.0):
        held = replace(target(strokes, content, content), distance=torch.full((1, 1, H, W), pixels))
        gone.append(distance(held.renewed(content).image, held.image))
    assert gone[0] < 1e-6
    assert 0 < gone[1] < gone[2]
    assert gone[3] == pytest.approx(gone[2])


def test_strokes_wear_no_faster_than_the_steps_of_a_frame_paint_anew():
    strokes, content = picture(1, 1), picture(2, 1)
    moving = replace(target(strokes, content, content), distance=torch.full((1, 1, H, W), 2.0))
    worn = [
        distance(replace(moving, speed=speed, disoccluded=0.0).renewed(content).image, moving.image)
        for speed in (0.0, 5.0)
    ]
    assert worn[0] == pytest.approx(share_of_steps(0.0, 0.0) * worn[1], rel=0.05)


def test_the_grain_of_a_film_is_not_laid_under_the_strokes():
    strokes, content = picture(1, 1), picture(2, 2)
    grain = 0.02 * torch.randn(content.shape, generator=torch.Generator().manual_seed(5))
    noisy = (content + grain).clamp(0, 1)
    held = target(strokes, content, noisy)
    assert distance(held.renewed(noisy).image, held.image) < 0.5 * float(grain.std())


def test_what_resampling_takes_from_a_drawing_is_given_back():
    """A picture, of which the half is plain, moves half a pixel to and fro."""
    content = picture(2)
    content[..., : W // 2] = 0.5
    shown = [warp(content, flow_to_tensor(motion(0.5).flow)), content]
    renewed = carried = fresh_state(content, content)
    for number in range(10):
        content, moved = shown[number % 2], motion(-0.5 if number % 2 else 0.5)
        laid = TemporalTarget.of([(renewed, moved)], content).renewed(content)
        renewed = fresh_state(laid.image, laid.content)
        carried = fresh_state(TemporalTarget.of([(carried, moved)], content).image, content)
    inner = (..., slice(8, -8), slice(8, -8))
    blurred = distance(carried.image[inner], content[inner])
    assert distance(renewed.image[inner], content[inner]) < 0.5 * blurred


def test_an_unknown_content_counts_as_what_the_frame_shows():
    strokes, content = picture(1, 1), picture(2, 1)
    held = TemporalTarget.of([(fresh_state(strokes, None), motion())], content)
    assert torch.equal(held.content, content)
    torch.testing.assert_close(held.renewed(content).image, held.image, atol=1e-6, rtol=0)


def test_what_is_not_trusted_leaves_its_own_content():
    strokes, before, content = picture(1), picture(2), picture(3)
    held = target(strokes, before, content, motion(trusted=0.0)).renewed(content)
    left = held.next_state(picture(4), content)
    torch.testing.assert_close(left.content, content)
    assert float(left.confidence.max()) == 0


def test_what_nobody_saw_begins_as_what_the_content_shows_and_keeps_strokes_where_that_is_plain():
    dragged, drawing = (torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(n)) for n in (1, 2))
    content = torch.cat([drawing[..., :48], torch.full((1, 3, 64, 48), 0.5)], dim=3)
    trusted = np.zeros((64, 96), np.float32)
    trusted[:, :16] = 1
    seen = [(fresh_state(dragged, content), Motion(np.zeros((64, 96, 2), np.float32), trusted))]
    held = TemporalTarget.of(seen, content).begun(content)
    torch.testing.assert_close(held.start[:, :, :, :16], dragged[:, :, :, :16], atol=1e-5, rtol=0)
    drawn, plain = (slice(None), slice(None), slice(20, 60), slice(20, 36)), (..., slice(20, 60), slice(70, 92))

    def alike(one, other):
        return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])

    assert alike(held.start[drawn], content[drawn]) > 0.9
    assert alike(held.start[plain], dragged[plain]) > 0.9
