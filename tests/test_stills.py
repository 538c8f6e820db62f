"""Pictures of every kind, read as they are shown and written as they should be; and many at once."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

import videostyle
from tests import media, pictures
from tests.pictures import copied, noise
from videostyle.errors import OutputError, UnreadableError
from videostyle.media.image import still
from videostyle.media.image.icc import SRGB
from videostyle.render import pipeline
from videostyle.render.batch import make_batch
from videostyle.render.plan import Request


def opened(path):
    with Image.open(path) as image:
        image.load()
        return image


# --- turning


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_turned_picture_is_shown_upright_once(tmp_path, style, suffix, orientation):
    path, output = tmp_path / f"turned{suffix}", tmp_path / "out.png"
    image = Image.fromarray(media.texture(40, 30))
    pictures.save_with(image, path, orientation)
    image.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image))
    assert still.image_size(path) == upright.shape[1::-1]
    copied(path, style, output)
    np.testing.assert_array_equal(np.asarray(opened(output)), upright)
    assert opened(output).getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_16_bit_picture_is_shown_upright(tmp_path, orientation):
    deep = noise(6, 9, 3)
    tifffile.imwrite(tmp_path / "p.tif", deep, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    image = Image.fromarray((deep >> 8).astype(np.uint8))
    image.getexif()[0x0112] = orientation
    frame = still.read_frame(tmp_path / "p.tif")
    np.testing.assert_array_equal(frame.pixels >> 8, np.asarray(ImageOps.exif_transpose(image)))
    assert still.image_size(tmp_path / "p.tif") == frame.pixels.shape[1::-1]


def test_a_photo_is_turned_and_its_size_follows(tmp_path, style):
    pictures.save_with(Image.fromarray(media.texture(64, 48)), tmp_path / "photo.jpg", 6)
    assert copied(tmp_path / "photo.jpg", style, tmp_path / "out.jpg").size == (48, 64)
    shown = np.rot90(np.asarray(opened(tmp_path / "photo.jpg")), -1)
    assert media.psnr(np.asarray(opened(tmp_path / "out.jpg")), shown) > 40


# --- kinds


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA", "LA", "1"])
def test_every_kind_of_picture_becomes_rgb(tmp_path, mode):
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


def test_16_bits_are_rounded_for_a_jpeg(tmp_path, style):
    cv2.imwrite(str(tmp_path / "p.png"), np.full((8, 8, 3), 200 * 257 + 120, np.uint16))
    copied(tmp_path / "p.png", style, tmp_path / "out.jpg")
    assert set(np.asarray(opened(tmp_path / "out.jpg")).ravel()) == {200}


def test_16_bits_are_scaled_without_losing_them(tmp_path):
    cv2.imwrite(str(tmp_path / "p.png"), np.full((20, 30, 3), 40_001, np.uint16))
    small = still.read_frame(tmp_path / "p.png", (15, 10)).pixels
    assert (small.shape, small.dtype) == ((10, 15, 3), np.uint16)
    assert set(small.ravel()) == {40_001}


def test_pixels_with_a_floating_point_are_refused_with_a_way_out(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "p.tif")
    with pytest.raises(UnreadableError, match="16 bits"):
        still.read_frame(tmp_path / "p.tif")


# --- color


def test_a_profile_is_applied_and_the_output_says_srgb(tmp_path, style):
    wide, colors = pictures.wide_profile(), media.texture(40, 30)
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
    tifffile.imwrite(tmp_path / "p.tif", deep, photometric="rgb", iccprofile=pictures.wide_profile())
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


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("depth", [8, 16])
def test_every_output_carries_srgb_and_its_comment(tmp_path, suffix, depth):
    still.write_still(tmp_path / f"p{suffix}", noise(8, 9, 3, depth=depth), "how")
    image = opened(tmp_path / f"p{suffix}")
    assert image.info["icc_profile"] == SRGB
    said = image.tag_v2[270] if suffix == ".tif" else image.info.get("Comment") or image.info["comment"].decode()
    assert said == "how"
    assert [p.name for p in tmp_path.iterdir()] == [f"p{suffix}"]


def test_what_is_srgb_already_is_not_touched(tmp_path):
    named = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (SRGB, named):
        tifffile.imwrite(tmp_path / "p.tif", noise(9, 8, 3), photometric="rgb", iccprofile=profile)
        np.testing.assert_array_equal(still.read_frame(tmp_path / "p.tif").pixels, noise(9, 8, 3))


def test_a_profile_that_is_none_is_passed_over(tmp_path, caplog):
    Image.fromarray(media.texture(8, 8)).save(tmp_path / "p.tif", icc_profile=b"not a profile" * 20)
    np.testing.assert_array_equal(still.read_frame(tmp_path / "p.tif").pixels, media.texture(8, 8))
    assert "profile" in caplog.text


def test_gray_has_profiles_of_its_own_and_of_rgb(tmp_path):
    gray = Image.fromarray(np.full((4, 4), 128, np.uint8))
    gray.save(tmp_path / "p.tif", icc_profile=pictures.wide_profile())
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
    path, profile = tmp_path / f"p{suffix}", pictures.cmyk_profile(corners)
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


# --- transparency


def imread_rgba(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]


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


def test_a_style_that_is_transparent_is_laid_on_white_and_told(tmp_path, caplog):
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "p.png")
    assert still.read_still(tmp_path / "p.png").min() == 255
    assert "transparent" in caplog.text


# --- refusals


def test_a_picture_bomb_is_refused_by_its_header(tmp_path):
    header = struct.pack(">II5B", 60_000, 60_000, 16, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 5) + b"IDAT" + bytes(9))
    for read in (still.image_size, still.read_frame):
        with pytest.raises(UnreadableError, match=r"bomb\.png.*pixels"):
            read(tmp_path / "bomb.png")


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_what_is_no_picture_is_refused(tmp_path, content):
    path = Path(tmp_path / "p.png")
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=r"p\.png"):
        still.read_still(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_picture_cut_short_is_refused(tmp_path, suffix, depth):
    path = tmp_path / f"p{suffix}"
    still.write_still(path, noise(40, 40, 3, depth=depth), "")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UnreadableError, match=r"damaged|no image"):
        still.read_still(path)


def test_a_picture_is_not_written_as_something_else(tmp_path, style):
    with pytest.raises(OutputError, match=r"\.tiff"):
        copied(style, style, tmp_path / "out.bmp")


# --- many at once


@pytest.fixture
def photos(tmp_path):
    """Three pictures in a directory, beside what is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(["b.jpg", "a.png", "c.tif"]):
        Image.fromarray(media.texture(32, 24, seed)).save(folder / name)
    (folder / "notes.txt").write_text("none")
    (folder / ".hidden.png").write_bytes(b"none")
    return folder


def command(*words, code=0):
    """What the command says on stdout and stderr, run without a step of styling."""
    untouched = ["--iterations", 0, "--first-iterations", 0]
    program = [sys.executable, "-m", "videostyle", *map(str, [*words, *untouched])]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def planned(content, styles, output, **more):
    batch = make_batch(Request(content, tuple(styles), output, pictures.UNTOUCHED, folder=True, **more))
    return [plan.request.output.name for plan in batch.plans]


def test_a_directory_of_pictures_becomes_another(photos, style, tmp_path):
    said = command(photos, style, f"{tmp_path}/new/out/")
    assert names(tmp_path / "new" / "out") == ["a.png", "b.png", "c.png"]
    assert "3 pictures in" in said
    np.testing.assert_array_equal(np.asarray(opened(tmp_path / "new/out/a.png")), media.texture(32, 24, 1))


def test_the_network_is_loaded_once_for_many(photos, style, tmp_path, monkeypatch):
    loads = []
    monkeypatch.setattr(pipeline, "load_engines", lambda settings: loads.append(load(settings)) or loads[0])
    few = videostyle.Settings(weights="builtin", first_iterations=1, device="cpu")
    batch = make_batch(Request(photos, (style, photos / "a.png"), tmp_path / "out", few, folder=True))
    steps = []
    made = list(pipeline.run_batch(batch, on_work=steps.append))
    assert [summary.output.name for summary in made][:3] == ["a_style.png", "a_a.png", "b_style.png"]
    assert (len(made), len(loads)) == (6, 1)
    assert sum(steps) == batch.work


load = pipeline.load_engines


def test_patterns_and_single_pictures_go_into_a_directory_too(photos, style, tmp_path):
    (tmp_path / "out").mkdir()
    assert planned(photos / "*.[pt]*", [style], tmp_path / "out") == ["a.png", "c.png"]
    assert planned(photos / "b.jpg", [style], tmp_path / "out") == ["b.png"]
    assert planned(photos / "b.jpg", [photos], tmp_path / "out") == ["b_a.png", "b_b.png", "b_c.png"]
    command(photos / "b.jpg", style, tmp_path / "out")
    assert names(tmp_path / "out") == ["b.png"]


def test_without_a_directory_the_pictures_of_one_are_one_style(photos, tmp_path):
    command(photos / "a.png", photos, tmp_path / "out.png")
    assert [name in opened(tmp_path / "out.png").text["Comment"] for name in ("a.png", "b.jpg", "c.tif")] == [True] * 3


def test_two_results_of_one_name_are_refused(photos, style, tmp_path):
    (photos / "B.png").write_bytes((photos / "a.png").read_bytes())
    with pytest.raises(OutputError, match=r"B\.png and .*b\.jpg"):
        planned(photos, [style], tmp_path / "out")
    with pytest.raises(OutputError, match=r"style\.png"):
        planned(photos / "a.png", [style, style], tmp_path / "out")


def test_what_exists_is_kept_unless_told(photos, style, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "c.png").write_bytes(b"old")
    assert "--overwrite" in command(photos, style, tmp_path / "out", code=2)
    assert names(tmp_path / "out") == ["c.png"]
    command(photos, style, tmp_path / "out", "--overwrite")
    assert opened(tmp_path / "out" / "c.png").size == (32, 24)


def test_no_input_is_overwritten(photos, style):
    with pytest.raises(OutputError, match="input"):
        planned(photos, [style], photos, overwrite=True)
    painting = style.rename(photos / "b.png")
    with pytest.raises(OutputError, match="input"):
        planned(photos / "b.jpg", [painting], photos, overwrite=True)


def test_what_is_finished_is_not_made_again(photos, style, tmp_path):
    out = tmp_path / "out"
    command(photos, style, f"{out}/")
    (out / "b.png").unlink()
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    said = command(photos, style, out, "--resume")
    assert "2 of 3 pictures are finished already" in said
    assert "1 picture in" in said
    assert before.items() < {path.name: path.stat().st_mtime_ns for path in out.iterdir()}.items()
    said = command(photos, style, out, "--resume")
    assert "3 of 3 pictures are finished already" in said
    assert "it exists" in command(photos, style, out, "--resume", "--seed", 1, code=2)
    assert "it exists" in command(photos, photos / "c.tif", out, "--resume", code=2)


@pytest.mark.parametrize("broken", [b"", None])
def test_a_broken_picture_does_not_stop_the_others(photos, style, tmp_path, broken):
    whole = (photos / "b.jpg").read_bytes()
    (photos / "b.jpg").write_bytes(whole[: len(whole) // 2] if broken is None else broken)
    said = command(photos, style, f"{tmp_path}/out/", code=1)
    assert "b.jpg" in said
    assert "left out" in said
    assert "1 of 3 pictures" in said
    assert names(tmp_path / "out") == ["a.png", "c.png"]


def test_what_a_directory_cannot_take_is_refused_before_it_is_made(photos, style, clip, tmp_path):
    out = f"{tmp_path}/out/"
    assert "name the file" in command(clip, style, out, code=2)
    assert "no such file" in command(tmp_path / "none.png", style, out, code=2)
    assert "no image" in command(photos / "*.gif", style, out, code=2)
    assert "name a directory" in command(photos, style, tmp_path / "out.png", code=2)
    assert "--frames" in command(photos, style, out, "--frames", "0:1", code=2)
    assert not (tmp_path / "out").exists()
