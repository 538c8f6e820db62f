"""What a photo says of itself, in its result."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.helpers import media
from tests.helpers.jobs import copied
from videostyle.media.image.still import read_tags
from videostyle.media.provenance import is_provenance, read_comment

Base, IFD = ExifTags.Base, ExifTags.IFD
TAKEN, WHERE = "2026:05:01 10:20:30", (48.0, 8.0, 15.5)


def photo(path, orientation=1):
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    exif[Base.ImageDescription] = "at the lake"
    exif[Base.Copyright], exif[Base.Artist], exif[Base.Make] = "(c) someone", "Someone", "Camera"
    exif[Base.DateTime] = TAKEN
    taken = {Base.DateTimeOriginal: TAKEN, Base.ExposureTime: 0.01, Base.ExifImageWidth: 9, Base.MakerNote: b"x" * 9}
    exif[IFD.Exif] = taken
    exif[IFD.GPSInfo] = {1: "N", 2: WHERE, 3: "E", 4: (11.0, 30.0, 0.0)}
    Image.fromarray(media.texture(32, 24)).save(path, exif=exif.tobytes(), dpi=(300, 300))
    return path


@pytest.mark.parametrize("source", ["in.jpg", "in.png", "in.tif"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_date_author_place_and_dots_of_a_photo_are_kept(tmp_path, style, source, suffix):
    output = tmp_path / f"out{suffix}"
    copied(photo(tmp_path / source), style, output)
    with Image.open(output) as image:
        found = image.getexif()
        main = {name: found.get(name) for name in (Base.ImageDescription, Base.Copyright, Base.Artist, Base.DateTime)}
        taken, place = found.get_ifd(IFD.Exif), found.get_ifd(IFD.GPSInfo)
        assert [float(dots) for dots in image.info["dpi"]] == pytest.approx([300, 300], abs=0.1)
        image.load()
    assert list(main.values()) == ["at the lake", "(c) someone", "Someone", TAKEN]
    assert taken[Base.DateTimeOriginal] == TAKEN
    assert float(taken[Base.ExposureTime]) == pytest.approx(0.01)
    assert Base.MakerNote not in taken
    assert taken.get(Base.ExifImageWidth) is None
    assert tuple(map(float, place[2])) == WHERE
    assert is_provenance(read_comment(output))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_turned_photo_is_not_turned_twice(tmp_path, style, suffix):
    copied(photo(tmp_path / "in.jpg", orientation=6), style, tmp_path / f"out{suffix}")
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.getexif().get(Base.Orientation, 1) == 1
        assert image.size == (24, 32)


def test_damaged_tags_do_no_harm(tmp_path, style):
    data = io.BytesIO()
    Image.fromarray(media.texture(32, 24)).save(data, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40)
    (tmp_path / "in.jpg").write_bytes(data.getvalue())
    copied(tmp_path / "in.jpg", style, tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        assert np.asarray(image).shape == (24, 32, 3)


def test_tags_too_long_for_a_jpeg_are_told(tmp_path, style, caplog):
    exif = Image.Exif()
    exif[IFD.Exif] = {Base.UserComment: b"x" * 70_000}
    Image.fromarray(media.texture(32, 24)).save(tmp_path / "in.png", exif=exif.tobytes())
    copied(tmp_path / "in.png", style, tmp_path / "out.jpg")
    assert [line for line in caplog.messages if "in.png are left out: they are too long" in line]


def test_a_picture_without_tags_has_none(tmp_path, style):
    assert not read_tags(style).block()
    copied(style, style, tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        assert not image.getexif()
