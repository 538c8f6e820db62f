import cv2
import numpy as np
import pytest
import torch

from tests.helpers import media
from videostyle.motion.flow import METHODS, estimate
from videostyle.style import pixels
from videostyle.style.warp import warp


def tensor(array):
    return torch.from_numpy(array).permute(2, 0, 1)[None]


def test_warp_agrees_with_opencv():
    rng = np.random.default_rng(0)
    image = rng.random((12, 17, 3), dtype=np.float32)
    flow = rng.normal(0, 2, (12, 17, 2)).astype(np.float32)
    y, x = np.mgrid[:12, :17].astype(np.float32)
    expected = cv2.remap(image, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    actual = warp(tensor(image), tensor(flow))[0].permute(1, 2, 0).numpy()
    smooth = cv2.GaussianBlur(image, (0, 0), 3)
    expected_smooth = cv2.remap(
        smooth, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    np.testing.assert_allclose(warp(tensor(smooth), tensor(flow))[0].permute(1, 2, 0), expected_smooth, atol=0.02)
    assert np.corrcoef(actual.ravel(), expected.ravel())[0, 1] > 0.95


def test_no_flow_changes_nothing():
    image = torch.rand(1, 3, 9, 7)
    torch.testing.assert_close(warp(image, torch.zeros(1, 2, 9, 7)), image, atol=1e-5, rtol=1e-5)


def test_what_moved_ten_pixels_right_lands_ten_pixels_right():
    previous = torch.zeros(1, 3, 20, 40)
    previous[..., 5:9, 8:12] = 1
    backward = torch.zeros(1, 2, 20, 40)
    backward[:, 0] = -10  # from this frame back to the previous one
    landed = warp(previous, backward)
    torch.testing.assert_close(landed[..., 5:9, 18:22], torch.ones(1, 3, 4, 4), atol=1e-4, rtol=0)
    assert landed[..., 8:12].abs().max() < 1e-4


def test_a_frame_moved_along_its_estimated_motion_is_the_next_one():
    """Not half as far, nor the other way: there it differs by 20 levels and more."""
    before = media.texture(128, 96)
    now = np.roll(before, 10, axis=1)
    motion = estimate(before, now, METHODS["dis-fine"])
    moved = warp(pixels.to_tensor(before), tensor(motion.flow))
    apart = np.abs(pixels.to_pixels(moved, now.dtype)[:, 20:-20].astype(int) - now[:, 20:-20])
    assert apart.mean() < 2
    assert motion.mask[:, 20:-20].mean() > 0.95


@pytest.mark.parametrize("shift", [0.2, 0.37, 0.5])
def test_fifty_warps_neither_blur_nor_sharpen(shift):
    """Bicubic sampling ends at 1.7 to 4.7 of the contrast, linear at 0.3."""
    drawn = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)
    image = tensor(cv2.GaussianBlur(drawn, (0, 0), 1.2, borderType=cv2.BORDER_REFLECT))
    there, back = (torch.full((1, 2, 64, 64), way) for way in (shift, -shift))
    moved = image
    for _ in range(25):
        moved = warp(warp(moved, there), back)
    assert 0.75 < moved[..., 8:-8, 8:-8].std() / image[..., 8:-8, 8:-8].std() < 1.25


def test_beyond_the_frame_the_picture_goes_on_from_the_opposite_border():
    image = torch.from_numpy(cv2.GaussianBlur(np.random.default_rng(0).random((16, 16)), (0, 0), 2))
    image = image.float().expand(1, 3, 16, 16)
    outward = torch.zeros(1, 2, 16, 16)
    outward[:, 0] = 3
    torch.testing.assert_close(warp(image, outward), image.roll(-3, dims=3), atol=1e-4, rtol=0)


def test_a_slow_pan_does_not_draw_the_border_out_into_lines():
    """What has entered after 60 frames has the variation along the pan that the picture has."""
    image = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    moved = image
    for _ in range(60):
        moved = warp(moved, torch.tensor([0.37, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 24, 24))
    across = (moved[..., 1:] - moved[..., :-1]).square().mean()
    assert across > 0.3 * (image[..., 1:] - image[..., :-1]).square().mean()
