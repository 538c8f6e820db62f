"""What OUTPUT is."""

import os

import pytest
from PIL import Image

from tests.helpers import media
from videostyle.errors import OutputError
from videostyle.media.existing import ExistingSequence, ExistingVideo
from videostyle.media.target import FolderTarget, SequenceTarget, StillTarget, VideoTarget, resolve_target


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("out.mp4", VideoTarget),
        ("out.xyz", VideoTarget),
        ("out", VideoTarget),
        ("out.png", StillTarget),
        ("out.WEBP", StillTarget),
        ("out.%04d.png", SequenceTarget),
        ("100%done.mp4", VideoTarget),
        ("take%04d.mov", VideoTarget),
        ("out.####.png", SequenceTarget),
        ("photo #1.png", StillTarget),
        ("out.%d.exr", SequenceTarget),
        ("out.%04d", SequenceTarget),
        ("out.%d.mp4", VideoTarget),
        ("there", FolderTarget),
        ("new/", FolderTarget),
    ],
)
def test_a_name_stands_for_one_kind(tmp_path, name, kind):
    (tmp_path / "there").mkdir()
    target = resolve_target(f"{tmp_path}/{name}")
    assert type(target) is kind
    assert target.path == tmp_path / name


def test_a_file_named_like_a_pattern_is_that_file(tmp_path):
    (tmp_path / "100%d.png").touch()
    assert resolve_target(tmp_path / "100%d.png") == StillTarget(tmp_path / "100%d.png")


def test_a_link_stands_for_what_it_points_to(tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "film.mp4")
    assert resolve_target(tmp_path / "link.png") == VideoTarget((tmp_path / "film.mp4").resolve())


@pytest.mark.parametrize("name", ["out.mp4", "out.png"])
def test_a_file_exists_or_not_and_is_known_under_every_name(tmp_path, name):
    target = resolve_target(tmp_path / name)
    assert (target.exists(), target.files()) == (False, [])
    (tmp_path / "link").symlink_to(tmp_path / name)
    assert target.includes(tmp_path / "link")
    (tmp_path / name).touch()
    assert (target.exists(), target.files()) == (True, [tmp_path / name])
    assert target.includes(tmp_path / "." / name)
    assert not target.includes(tmp_path / f"other{name}")


def test_numbered_images_are_the_files_of_their_numbers(tmp_path):
    target = resolve_target(tmp_path / "out.%02d.png")
    assert (target.exists(), target.files()) == (False, [])
    for name in ("out.03.png", "out.11.png", "out.3.png", "out.03.jpg"):
        (tmp_path / name).touch()
    assert (target.exists(), target.numbers()) == (True, [3, 11])
    assert target.files() == [tmp_path / "out.03.png", tmp_path / "out.11.png"]
    assert target.frame_files(9, [0, 2]) == [tmp_path / "out.09.png", tmp_path / "out.11.png"]
    assert target.includes(tmp_path / "out.77.png")
    assert not target.includes(tmp_path / "out.3.png")
    assert not target.includes(tmp_path.parent / "out.03.png")


def test_images_are_written_with_the_suffixes_of_images(tmp_path):
    for name in ("out.%d.exr", "out.webp"):
        with pytest.raises(OutputError, match=r"an image is written as one of \.jpg"):
            resolve_target(tmp_path / name).check_suffix()
    for name in ("out.%d.tif", "out.PNG"):
        resolve_target(tmp_path / name).check_suffix()
    assert resolve_target(tmp_path / "out.png").keeps_alpha
    for name in ("out.jpg", "out.%d.jpeg", "out.mov"):
        assert not resolve_target(tmp_path / name).keeps_alpha
    assert resolve_target(tmp_path / "out.%d.tif").keeps_alpha


def test_what_is_finished_is_opened_as_its_kind(clip, tmp_path):
    existing = resolve_target(clip).open_existing()
    assert isinstance(existing, ExistingVideo)
    assert len(existing.presentation) == 6
    Image.fromarray(media.texture(32, 24)).save(tmp_path / "f.5.png")
    existing = resolve_target(tmp_path / "f.%d.png").open_existing()
    assert isinstance(existing, ExistingSequence)
    assert existing.file(0) == tmp_path / "f.5.png"


def test_a_directory_takes_files_once_it_is_made(tmp_path, monkeypatch):
    target = resolve_target(f"{tmp_path}/new/")
    target.check()
    assert (target.exists(), target.files()) == (False, [])
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.png").touch()
    (tmp_path / "new" / "folder").mkdir()
    assert (target.exists(), target.files()) == (True, [tmp_path / "new" / "a.png"])
    assert target.includes(tmp_path / "new" / "b.png")
    assert not target.includes(tmp_path / "b.png")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match="may not write"):
        target.check()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="it is a file; name another directory"):
        FolderTarget(tmp_path / "file").check()
