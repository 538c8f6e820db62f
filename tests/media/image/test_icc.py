"""Color profiles."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from tests.helpers import images, media
from tests.helpers.images import noise, opened
from tests.helpers.jobs import copied
from videostyle.media.image import still
from videostyle.media.image.icc import SRGB


def test_a_profile_is_applied_and_the_output_says_srgb(tmp_path, style):
    wide, colors = images.wide_profile(), media.texture(40, 30)
    Image.fromarray(colors).save(tmp_path / "p.tif", icc_profile=wide)
    copied(tmp_path / "p.tif", style, tmp_path / "out.png")
    source = ImageCms.ImageCmsProfile(io.BytesIO(wide))
    meant = ImageCms.profileToProfile(Image.fromarray(colors), source, ImageCms.createProfile("sRGB"))
    made = np.asarray(opened(tmp_path / "out.png")).astype(int)
    assert np.abs(made - np.asarray(meant)).max() <= 1
    assert np.abs(made - colors).max() > 10


def test_a_profile_is_applied_at_16_bits(tmp_path):
    ramp = np.linspace(20_000, 40_000, 256).astype(np.uint16)
    deep = np.stack([ramp, ramp[::-1], np.full_like(ramp, 30_000)], -1)[None].repeat(2, 0)
    tifffile.imwrite(tmp_path / "p.tif", deep, photometric="rgb", iccprofile=images.wide_profile())
    made = still.read_frame(tmp_path / "p.tif").pixels
    linear = (deep / 65535) ** 2.2 @ _wide_to_srgb().T
    meant = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clip(0) ** (1 / 2.4) - 0.055).clip(0) * 65535
    assert np.abs(made - meant).max() < 65  # a quarter of a step in 255


def _wide_to_srgb():
    """From the chromaticities of both, with the same white."""
    white = np.array([0.3127, 0.3290, 0.3583]) / 0.3290

    def to_xyz(*xy):
        columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in xy]).T
        return columns * np.linalg.solve(columns, white)

    wide, srgb = to_xyz((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), to_xyz((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
    return np.linalg.solve(srgb, wide)


def test_srgb_by_another_name_is_not_touched(tmp_path):
    named = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (SRGB, named):
        tifffile.imwrite(tmp_path / "p.tif", noise(9, 8, 3), photometric="rgb", iccprofile=profile)
        np.testing.assert_array_equal(still.read_frame(tmp_path / "p.tif").pixels, noise(9, 8, 3))


def test_a_profile_that_is_none_is_ignored(tmp_path, caplog):
    Image.fromarray(media.texture(8, 8)).save(tmp_path / "p.tif", icc_profile=b"not a profile" * 20)
    np.testing.assert_array_equal(still.read_frame(tmp_path / "p.tif").pixels, media.texture(8, 8))
    assert "profile" in caplog.text


def test_gray_has_profiles_of_its_own_and_of_rgb(tmp_path):
    gray = Image.fromarray(np.full((4, 4), 128, np.uint8))
    gray.save(tmp_path / "p.tif", icc_profile=images.wide_profile())
    found = int(still.read_frame(tmp_path / "p.tif").pixels[0, 0, 0])
    linear = (128 / 255) ** 2.2
    assert abs(found - 255 * (1.055 * linear ** (1 / 2.4) - 0.055)) <= 1


@pytest.mark.parametrize("depth", [8, 16])
def test_inks_without_a_profile_lie_on_white_paper(tmp_path, depth):
    full = 2**depth - 1
    inks = np.array([[[0, 0, 0, 0], [full, 0, 0, 0], [0, full, full, 0], [0, 0, 0, full]]], f"u{depth // 8}")
    tifffile.imwrite(tmp_path / "p.tif", inks, photometric="separated")
    meant = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0]]) * full
    np.testing.assert_array_equal(still.read_frame(tmp_path / "p.tif").pixels[0], meant)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_inks_have_the_colors_their_profile_gives_them(tmp_path, style, suffix):
    corners = np.zeros((16, 3))
    corners[0] = 100, 0, 0  # paper
    corners[8] = 60, -15, -30  # cyan
    corners[4] = 50, 50, -5  # magenta
    path, profile = tmp_path / f"p{suffix}", images.cmyk_profile(corners)
    inks = np.zeros((16, 48, 4), np.uint8)
    inks[:, 16:32, 0] = inks[:, 32:, 1] = 255
    Image.fromarray(inks, "CMYK").save(path, icc_profile=profile, quality=100)
    copied(path, style, tmp_path / "out.png")
    made = np.asarray(opened(tmp_path / "out.png"))[8, [8, 24, 40]].astype(int)
    meant = [_from_lab(*corners[mix]) for mix in (0, 8, 4)]
    assert np.abs(made - meant).max() <= 2


def _from_lab(lightness, a, b):
    lab = Image.frombytes("LAB", (1, 1), bytes([round(lightness * 2.55), round(a) & 255, round(b) & 255]))
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(lab, *profiles, outputMode="RGB").getpixel((0, 0))
