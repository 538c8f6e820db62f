"""Masks: brightness, for every frame of a clip."""

from fractions import Fraction
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from tests.helpers import media
from videostyle.errors import InputError, UnreadableError
from videostyle.frames import Span
from videostyle.media.masks import check_mask, read_mask, read_masks


def gray(level, size=(32, 24)):
    return np.full((size[1], size[0], 3), level, np.uint8)


def levels(path, count, span=Span(), size=(32, 24)):
    """The means of the first masks, in levels of 8 bits."""
    found = list(islice(read_masks(path, size, span), count))
    assert all(mask.shape == size[::-1] and mask.dtype == np.float32 for mask in found)
    return [round(float(mask.mean()) * 255) for mask in found]


def test_a_mask_is_as_bright_as_its_image(tmp_path):
    ramp = np.arange(0, 240, 10, dtype=np.uint8)[:, None].repeat(8, 1)
    Image.fromarray(ramp).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png")
    assert mask.dtype == np.float32
    np.testing.assert_allclose(mask * 255, ramp, atol=1e-4)


def test_an_image_masks_every_frame_of_any_range(tmp_path):
    Image.fromarray(gray(51)).save(tmp_path / "m.png")
    assert levels(tmp_path / "m.png", 3, Span(7, 9), (16, 12)) == [51, 51, 51]


def test_a_video_masks_frame_by_frame_and_its_last_one_stays(tmp_path):
    path = media.write_clip(tmp_path / "m.mkv", [gray(10 * n) for n in range(5)], sound=None)
    assert levels(path, 8) == [0, 10, 20, 30, 40, 40, 40, 40]
    assert levels(path, 3, Span(2, 4)) == [20, 30, 30]
    with pytest.raises(InputError, match="range asked for"):
        levels(path, 1, Span(start=Fraction(9)))


def test_numbered_images_mask_frame_by_frame(tmp_path):
    for number in range(3):
        Image.fromarray(gray(20 * number)).save(tmp_path / f"m.{number}.png")
    assert levels(tmp_path / "m.%d.png", 4, Span(1)) == [20, 40, 40, 40]


def test_a_transparent_mask_is_laid_on_white_and_logged_once(tmp_path, caplog):
    for number in range(2):
        Image.new("RGBA", (32, 24), (0, 0, 0, 0)).save(tmp_path / f"m.{number}.png")
    assert levels(tmp_path / "m.%d.png", 3) == [255, 255, 255]
    assert sum("laid on white" in line for line in caplog.messages) == 1


def test_what_is_no_mask_is_refused_before_the_work(tmp_path, clip, style):
    for good in (clip, style):
        check_mask(good)
    (tmp_path / "m.png").write_bytes(b"none")
    for name in ("m.png", "none.mp4"):
        with pytest.raises(UnreadableError, match=name):
            check_mask(tmp_path / name)
