"""Transparency."""

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.helpers.images import imread_rgba, noise, opened
from tests.helpers.jobs import copied
from videostyle.media.image import still
from videostyle.media.image.alpha import fill_hidden, on_white, unpremultiply


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(("suffix", "read"), [(".png", imread_rgba), (".tif", tifffile.imread)])
def test_transparency_is_kept(tmp_path, style, depth, suffix, read):
    rgba = noise(10, 12, 4, depth=depth)
    cv2.imwrite(str(tmp_path / "p.png"), rgba[..., [2, 1, 0, 3]])
    copied(tmp_path / "p.png", style, tmp_path / f"out{suffix}")
    made = read(tmp_path / f"out{suffix}")
    assert made.dtype == rgba.dtype
    seen = rgba[..., 3] > 0
    np.testing.assert_array_equal(made[seen], rgba[seen])
    np.testing.assert_array_equal(made[..., 3], rgba[..., 3])


def test_gray_with_transparency_of_16_bits_is_kept(tmp_path):
    gray = noise(10, 12, 2) | 1
    (tmp_path / "p.png").write_bytes(imagecodecs.png_encode(gray))
    frame = still.read_frame(tmp_path / "p.png")
    np.testing.assert_array_equal(frame.pixels, gray[..., :1].repeat(3, 2))
    np.testing.assert_array_equal(frame.alpha, gray[..., 1])


def test_colors_multiplied_by_alpha_are_divided(tmp_path):
    alpha = np.full((4, 4, 1), 32768, np.uint16)
    stored = np.dstack([np.full((4, 4, 3), 10_000, np.uint16), alpha])
    tifffile.imwrite(tmp_path / "p.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    frame = still.read_frame(tmp_path / "p.tif")
    assert set(frame.pixels.ravel()) == {20_000}
    assert set(frame.alpha.ravel()) == {32768}


def test_hidden_colors_do_not_leak(tmp_path):
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[..., :3] = 0, 255, 0  # never to be seen
    rgba[:, 5:9] = 200, 40, 60, 255
    Image.fromarray(rgba).save(tmp_path / "p.png")
    for size in (None, (8, 8)):
        frame = still.read_frame(tmp_path / "p.png", size)
        assert set(map(tuple, frame.pixels.reshape(-1, 3))) == {(200, 40, 60)}
    assert frame.alpha.shape == (8, 8)


def test_a_jpeg_shows_transparency_on_white_and_says_so(tmp_path, style, caplog):
    Image.new("RGBA", (16, 16), (0, 0, 0, 51)).save(tmp_path / "p.png")
    copied(tmp_path / "p.png", style, tmp_path / "out.jpg")
    assert set(np.asarray(opened(tmp_path / "out.jpg")).ravel()) == {204}
    assert "laid on white" in caplog.text


def test_a_style_that_is_transparent_is_laid_on_white_and_logged(tmp_path, caplog):
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "p.png")
    assert still.read_still(tmp_path / "p.png").min() == 255
    assert "transparent" in caplog.text


def test_hidden_pixels_take_the_nearest_visible_colors():
    pixels, alpha = np.zeros((4, 8, 3), np.uint16), np.zeros((4, 8), np.uint16)
    pixels[:, 0], alpha[:, 0] = 1000, 65535
    pixels[:, 7], alpha[:, 7] = 3000, 1
    filled = fill_hidden(pixels, alpha)
    assert set(filled[:, :2].ravel()) == {1000}
    assert set(filled[:, 6:].ravel()) == {3000}
    assert ((filled >= 1000) & (filled <= 3000)).all()
    assert (fill_hidden(pixels, np.zeros_like(alpha)) == 65535).all()
    assert fill_hidden(pixels, np.ones_like(alpha)) is pixels


def test_alpha_is_divided_out_and_white_shows_through():
    alpha = np.array([[255, 51, 0]], np.uint8)
    colors = np.array([[[100], [20], [0]]], np.uint8)
    assert unpremultiply(colors, alpha).ravel().tolist() == [100, 100, 0]
    assert on_white(colors, alpha).ravel().tolist() == [100, 208, 255]
    assert on_white(colors, None) is colors
