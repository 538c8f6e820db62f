"""Kinds of pictures: which are read, what is said of the others, of animations, and of very large styles."""

import logging

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.helpers import media
from tests.helpers.images import opened
from tests.helpers.jobs import command, copied, names
from videostyle.errors import InputError, UnreadableError
from videostyle.media.image import still

PICTURE = media.texture(32, 24)


def animation(path, count=4):
    images = [Image.fromarray(media.texture(32, 24, seed)) for seed in range(count)]
    images[0].save(path, save_all=True, append_images=images[1:])
    return path


@pytest.mark.parametrize("suffix", [".avif", ".gif", ".jp2", ".jfif", ".webp", ".bmp"])
def test_what_pillow_reads_is_content_and_style(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    Image.fromarray(PICTURE).save(path)
    copied(path, path, tmp_path / "out.png")
    assert media.psnr(np.asarray(opened(tmp_path / "out.png")), PICTURE) > 25


def test_a_directory_reads_what_it_can_and_counts_the_rest_by_kind(tmp_path, style):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.avif", "c.gif"):
        Image.fromarray(PICTURE).save(folder / name)
    for name in ("h.heic", "i.HEIC", "p.psd", "notes.txt"):
        (folder / name).write_bytes(b"none")
    said = command(folder, style, f"{tmp_path}/out/", code=1)
    assert "2 .heic, 1 .psd" in said
    assert "3 of 6 pictures could not be made" in said
    assert names(tmp_path / "out") == ["a.png", "b.png", "c.png"]


def test_a_directory_of_none_that_is_read_says_which_there_are(tmp_path):
    (tmp_path / "h.heic").write_bytes(b"none")
    with pytest.raises(UnreadableError, match=r"no image but 1 \.heic"):
        still.find_images(tmp_path)


def test_a_directory_of_styles_says_what_of_it_is_not_used(tmp_path, style, caplog):
    folder = tmp_path / "styles"
    folder.mkdir()
    media.write_picture(folder / "a.png")
    (folder / "h.heic").write_bytes(b"none")
    copied(style, folder, tmp_path / "out.png")
    assert [line for line in caplog.messages if "1 .heic" in line]


@pytest.mark.parametrize("name", ["photo.heic", "photo.NEF"])
def test_a_kind_that_is_not_read_is_named_with_what_to_do(tmp_path, style, name):
    (tmp_path / name).write_bytes(b"none")
    with pytest.raises(UnreadableError, match=r"pictures are not read; convert it to \.png"):
        copied(tmp_path / name, style, tmp_path / "out.png")
    with pytest.raises(UnreadableError, match=r"a style is a picture: one of .*; convert it"):
        copied(style, tmp_path / name, tmp_path / "out.png")


def test_a_film_into_a_picture_says_which_file_is_the_film(clip, tmp_path, style):
    with pytest.raises(InputError, match=f"{clip.name} is a film"):
        copied(clip, style, tmp_path / "out.png")


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.gif", "a.tif", "a.avif"])
def test_of_an_animation_or_many_pages_the_first_is_used_and_told(tmp_path, style, caplog, name):
    path = animation(tmp_path / name)
    copied(path, style, tmp_path / "out.png")
    assert [line for line in caplog.messages if "has 4 pictures, and the first one is used" in line]
    caplog.clear()
    copied(style, path, tmp_path / "styled.png")
    assert [line for line in caplog.messages if "has 4 pictures" in line]
    assert media.psnr(np.asarray(opened(tmp_path / "out.png")), PICTURE) > 20


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_an_animation_becomes_a_film(tmp_path, style, caplog, name):
    with caplog.at_level(logging.WARNING):
        copied(animation(tmp_path / name), style, tmp_path / "out.mp4")
    assert len(media.shown(tmp_path / "out.mp4")[0]) == 4
    assert not [line for line in caplog.messages if "pictures" in line]


def test_an_animation_that_cannot_be_a_film_says_what_to_do(tmp_path, style):
    with pytest.raises(UnreadableError, match=r"convert it to \.gif or \.mp4"):
        copied(animation(tmp_path / "a.webp"), style, tmp_path / "out.mp4")


@pytest.mark.parametrize("name", ["a.gif", "a.tif", "a.png"])
def test_a_file_whose_later_pictures_are_damaged_has_its_first(tmp_path, style, name):
    path = animation(tmp_path / name)
    whole = path.read_bytes()
    for size in range(len(whole) // 2, len(whole), len(whole) // 16):
        path.write_bytes(whole[:size])
        try:
            assert still.count_images(path) >= 1
        except UnreadableError:
            continue


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_a_style_larger_than_any_content_is_read_smaller(tmp_path, style, monkeypatch, suffix):
    path, large = tmp_path / f"scan{suffix}", media.texture(400, 300)
    Image.fromarray(large).save(path)
    monkeypatch.setattr(still, "MAX_PIXELS", 40_000)
    found = still.read_style(path)
    assert found.shape in ((150, 200, 3), (100, 133, 3))
    wanted = np.asarray(Image.fromarray(large).resize(found.shape[1::-1], Image.Resampling.BOX))
    assert media.psnr(found, wanted) > 30
    with pytest.raises(UnreadableError, match="more than 40,000 pixels"):
        still.image_size(path)
    copied(style, path, tmp_path / "out.png")


def test_a_large_style_keeps_its_16_bits(tmp_path, monkeypatch):
    deep = media.texture(400, 300).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "scan.tif", deep, photometric="rgb")
    monkeypatch.setattr(still, "MAX_PIXELS", 40_000)
    found = still.read_style(tmp_path / "scan.tif")
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - deep.reshape(150, 2, 200, 2, 3).mean((1, 3))).max() <= 1


def test_a_scan_of_72_million_pixels_is_a_style_and_more_than_170_are_not(tmp_path):
    Image.new("RGB", (9000, 8000), (200, 100, 50)).save(tmp_path / "scan.jpg")
    assert still.style_size(tmp_path / "scan.jpg") == (9000, 8000)
    assert still.read_style(tmp_path / "scan.jpg").shape == (4000, 4500, 3)
    header = b"BM" + bytes(12) + (40).to_bytes(4, "little") + (14000).to_bytes(4, "little") * 2 + b"\1\0\x18\0"
    (tmp_path / "wall.bmp").write_bytes(header + bytes(24))
    with pytest.raises(UnreadableError, match="more than 170,000,000 pixels; make it smaller"):
        still.style_size(tmp_path / "wall.bmp")
