"""Images of every kind, read upright and at their own depth."""

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from tests.helpers import images, media
from tests.helpers.images import noise, opened
from tests.helpers.jobs import copied
from videostyle.errors import UnreadableError
from videostyle.media.image import still
from videostyle.media.image.decode import is_deep, orientation, read_samples, shown_size


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_turned_image_is_shown_upright_once(tmp_path, style, suffix, orientation):
    path, output = tmp_path / f"turned{suffix}", tmp_path / "out.png"
    image = Image.fromarray(media.texture(40, 30))
    images.save_with(image, path, orientation)
    image.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image))
    assert still.image_size(path) == upright.shape[1::-1]
    copied(path, style, output)
    np.testing.assert_array_equal(np.asarray(opened(output)), upright)
    assert opened(output).getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_16_bit_image_is_shown_upright(tmp_path, orientation):
    deep = noise(6, 9, 3)
    tifffile.imwrite(tmp_path / "p.tif", deep, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    image = Image.fromarray((deep >> 8).astype(np.uint8))
    image.getexif()[0x0112] = orientation
    frame = still.read_frame(tmp_path / "p.tif")
    np.testing.assert_array_equal(frame.pixels >> 8, np.asarray(ImageOps.exif_transpose(image)))
    assert still.image_size(tmp_path / "p.tif") == frame.pixels.shape[1::-1]


def test_a_photo_is_turned_and_its_size_follows(tmp_path, style):
    images.save_with(Image.fromarray(media.texture(64, 48)), tmp_path / "photo.jpg", 6)
    assert copied(tmp_path / "photo.jpg", style, tmp_path / "out.jpg").size == (48, 64)
    shown = np.rot90(np.asarray(opened(tmp_path / "photo.jpg")), -1)
    assert media.psnr(np.asarray(opened(tmp_path / "out.jpg")), shown) > 40


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA", "LA", "1"])
def test_every_kind_of_image_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("p.tif" if mode == "CMYK" else "p.png")
    Image.new("RGB", (30, 20), (156, 156, 156)).convert(mode).save(path)
    pixels = still.read_still(path)
    assert (pixels.shape, pixels.dtype) == ((20, 30, 3), np.uint8)
    if mode != "1":
        assert abs(int(pixels.mean()) - 156) < 3


def test_a_palette_keeps_its_colors_and_its_hole(tmp_path, style):
    image = Image.fromarray(noise(20, 30, depth=8) % 4, "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    image.save(tmp_path / "p.png", transparency=3)
    copied(tmp_path / "p.png", style, tmp_path / "out.png")
    made, meant = (np.asarray(opened(tmp_path / name).convert("RGBA")) for name in ("out.png", "p.png"))
    seen = meant[..., 3] > 0
    np.testing.assert_array_equal(made[..., 3], meant[..., 3])
    np.testing.assert_array_equal(made[seen], meant[seen])
    assert 0 < seen.sum() < seen.size


@pytest.mark.parametrize("output", ["out.png", "out.tif"])
@pytest.mark.parametrize("name", ["in.png", "in.tif"])
def test_16_bits_go_through_bit_for_bit(tmp_path, style, name, output):
    deep = noise(12, 17, 3)
    cv2.imwrite(str(tmp_path / name), deep[..., ::-1])  # a TIFF of OpenCV's is compressed with LZW
    copied(tmp_path / name, style, tmp_path / output)
    made = cv2.imread(str(tmp_path / output), cv2.IMREAD_UNCHANGED)
    assert made.dtype == np.uint16
    np.testing.assert_array_equal(made[..., ::-1], deep)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_of_gray_go_through_bit_for_bit(tmp_path, style, suffix):
    gray = noise(12, 17)
    cv2.imwrite(str(tmp_path / f"in{suffix}"), gray)
    copied(tmp_path / f"in{suffix}", style, tmp_path / "out.tiff")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tiff"), gray[..., None].repeat(3, 2))


@pytest.mark.parametrize(
    "how",
    [
        {"tile": (16, 16), "compression": "lzw"},
        {"planarconfig": "separate"},
        {"byteorder": ">", "compression": "adobe_deflate", "predictor": True},
    ],
)
def test_a_16_bit_tiff_is_read_in_any_layout(tmp_path, how):
    deep = noise(13, 17, 3)
    stored = np.moveaxis(deep, -1, 0) if "planarconfig" in how else deep
    tifffile.imwrite(tmp_path / "p.tif", stored, photometric="rgb", **how)
    np.testing.assert_array_equal(still.read_frame(tmp_path / "p.tif").pixels, deep)


def test_white_may_be_zero(tmp_path):
    tifffile.imwrite(tmp_path / "p.tif", noise(5, 6), photometric="miniswhite")
    np.testing.assert_array_equal(still.read_frame(tmp_path / "p.tif").pixels[..., 0], 65535 - noise(5, 6))


def test_pixels_with_a_floating_point_are_refused_with_a_way_out(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "p.tif")
    with pytest.raises(UnreadableError, match="16 bits"):
        still.read_frame(tmp_path / "p.tif")


def test_an_image_is_known_by_its_header(tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), noise(5, 9, 3))
    images.save_with(Image.fromarray(media.texture(9, 5)), tmp_path / "turned.png", 8)
    for name, deep, turn, size in (("deep.png", True, 1, (9, 5)), ("turned.png", False, 8, (5, 9))):
        with Image.open(tmp_path / name) as image:
            stored = read_samples(image, tmp_path / name)
        with Image.open(tmp_path / name) as image:
            assert (is_deep(image), orientation(image), shown_size(image)) == (deep, turn, size)
        assert stored.colors.shape == (size[1], size[0], 3)
        assert stored.colors.dtype == (np.uint16 if deep else np.uint8)
        assert stored.alpha is None
