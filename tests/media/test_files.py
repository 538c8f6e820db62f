"""Whatever a file is called, and however many names it has."""

import os
import subprocess
import sys

import pytest

from tests.helpers import media
from tests.helpers.jobs import names, run
from videostyle.media import files

PLAIN = ["--iterations", "0", "--first-iterations", "0", "--quiet"]


STYLED = [*PLAIN[:1], "1", *PLAIN[2:3], "1", "--quiet", "--weights", "builtin", "--style-layers", "relu1_1"]


NAMES = [
    "take:1",
    "http:x",
    "-x",
    "with  two spaces",
    "naïve 日本 ✓",
    "50%",
    "a[1]*?",
    'it\'s "so"#1?y=2',
    "line\u2028\n",
]


BYTES = [os.fsdecode(b"\xff")] if sys.platform == "linux" else []


def sound(path):
    return [data for _, data in media.sound_packets(path)]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES + BYTES)
def test_a_name_may_hold_anything(here, clip, style, name):
    """As content, style, mask, start, map, pattern, settings and result, with sound copied and sound cut."""
    film, painting, result = (f"./{name}{suffix}" for suffix in (".mkv", ".png", ".mp4"))
    clip.rename(here / film)
    style.rename(here / painting)
    named = ["--content-masks", painting, "--style-masks", painting, "--init", painting]
    assert run(film, painting, result, *PLAIN) == 0
    assert run(film, painting, result, "--frames", "1:3", "--into", "--quiet") == 0
    assert run(film, painting, f"./{name}.cut.mkv", "--frames", "1:4", *PLAIN) == 0
    assert run(film, painting, f"./{name}.%d.tif", "--config", result, "--quiet") == 0
    again = f"./{name}.again.mov", *named, "--attention-map", f"./{name}.map.png"
    assert run(f"./{name}.%d.tif", painting, *again, *STYLED) == 0
    results = [".again.mov", ".cut.mkv", ".map.png", ".mkv", ".mp4", ".png", *(f".{n}.tif" for n in range(1, 7))]
    assert names(here) == sorted(name + suffix for suffix in results)
    for suffix, frames in ((".mp4", 6), (".cut.mkv", 3), (".again.mov", 6)):
        assert len(media.shown((here / f"{name}{suffix}").rename(here / f"film{suffix}"))[0]) == frames
    assert sound(here / "film.mp4") == sound((here / film).rename(here / "source.mkv"))


def test_a_link_stays_and_the_file_behind_it_is_written(here, clip, style):
    """With nothing left beside either; numbered pictures and those of a directory are files as well."""
    (here / "far").mkdir()
    (here / "photos").mkdir()
    (here / "made").mkdir()
    media.write_picture(here / "photos" / "a.png")
    links = {"out.mp4": "far/film.mp4", "pic.2.png": "far/two.png", "made/a.png": "../far/one.png", "new.mp4": "far/no"}
    for link, target in links.items():
        (here / link).symlink_to(target)
    for name in ("far/film.mp4", "far/two.png", "far/one.png"):
        (here / name).write_bytes(b"old")
    before = set(names(here))
    assert run("clip.mkv", "style.png", "out.mp4", *PLAIN) == 2
    assert (here / "far/film.mp4").read_bytes() == b"old"
    assert run("clip.mkv", "style.png", "out.mp4", *PLAIN, "--overwrite") == 0
    assert run("clip.mkv", "style.png", "out.mp4", "--frames", "1:3", "--into", "--quiet") == 0
    assert run("clip.mkv", "style.png", "pic.%d.png", *PLAIN, "--overwrite") == 0
    assert run("photos", "style.png", "made", *PLAIN, "--overwrite") == 0
    assert run("clip.mkv", "style.png", "new.mp4", *PLAIN) == 2  # which leads to a name without a kind
    assert {name: str((here / name).readlink()) for name in links} == links
    assert names(here / "far") == ["film.mp4", "one.png", "two.png"]
    assert set(names(here)) == before | {f"pic.{n}.png" for n in (1, 3, 4, 5, 6)}
    assert len(media.shown(here / "far/film.mp4")[0]) == 6
    assert media.shown(here / "far/two.png")[0][0].shape == (48, 64, 3)
    assert media.shown(here / "far/one.png")[0][0].shape == (48, 64, 3)


def test_a_file_with_another_name_is_left_alone_under_that(here, clip, style):
    for output, words in (("out.mp4", PLAIN), ("pic.3.png", PLAIN), ("map.png", STYLED)):
        (here / "mine").write_bytes(b"of another job")
        os.link(here / "mine", here / output)
        result = {"pic.3.png": "pic.%d.png", "map.png": "film.mkv"}.get(output, output)
        more = ["--attention-map", output] if output == "map.png" else []
        assert run("clip.mkv", "style.png", result, *words, *more, "--overwrite") == 0
        assert (here / output).read_bytes() != b"of another job"
        assert (here / "mine").read_bytes() == b"of another job"


@pytest.mark.parametrize("tie", [os.link, os.symlink])
@pytest.mark.parametrize("read", ["clip.mkv", "style.png", "mask.png", "place.png", "start.png", "weights.pth"])
def test_no_file_that_the_job_reads_is_written_under_another_name(here, clip, style, capsys, tie, read):
    for name in ("mask.png", "place.png", "start.png"):
        media.write_picture(here / name)
    (here / "weights.pth").write_bytes(b"kept")
    (here / "photos").mkdir()
    (here / "photos" / "a.png").write_bytes((here / "style.png").read_bytes())
    (here / "made").mkdir()
    for name in ("out.mp4", "pic.2.png", "map.png", "made/a.png"):
        tie(here / read, here / name)
    content = (here / read).read_bytes()
    named = ["--content-masks", "mask.png", "--style-masks", "place.png", "--init", "start.png"]
    for words in (
        ["clip.mkv", "style.png", "out.mp4"],
        ["clip.mkv", "style.png", "pic.%d.png"],
        ["clip.mkv", "style.png", "film.mp4", "--attention-map", "map.png"],
        ["photos", "style.png", "made"],
    ):
        if read == "clip.mkv" and words[0] == "photos":
            continue
        assert run(*words, *named, "--weights", "weights.pth", "--overwrite", "--quiet") == 2
        assert "input of this very job" in capsys.readouterr().err
    assert (here / read).read_bytes() == content
    assert "film.mp4" not in names(here)


@pytest.mark.parametrize(("output", "name"), [("out.png", "./out.png"), ("out.%02d.png", "out.02.png")])
def test_a_map_is_not_written_where_the_result_is(here, clip, style, capsys, output, name):
    content = "style.png" if output == "out.png" else "clip.mkv"
    assert run(content, "style.png", output, *STYLED, "--attention-map", name) == 2
    assert "the result itself" in capsys.readouterr().err
    assert names(here) == ["clip.mkv", "style.png"]


@pytest.mark.parametrize("name", ["n" * 300 + ".mp4", "n" * 252 + ".mp4"])
def test_a_name_that_is_too_long_is_refused_in_words(here, clip, style, capsys, name):
    for words in ([name, "style.png", "out.mp4"], ["clip.mkv", name, "out.mp4"], ["clip.mkv", "style.png", name]):
        assert run(*words, *PLAIN) == 2
        assert "Error" not in capsys.readouterr().err
    assert names(here) == ["clip.mkv", "style.png"]


def test_a_file_gets_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"old")
    part = files.create_part(path)
    assert files.is_part(part.name)
    assert part.suffix == ".mp4"
    part.write_bytes(b"new")
    assert path.read_bytes() == b"old"
    files.publish(part, path, replace=True)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["video.mp4"]


def test_a_link_is_written_beside_the_file_that_it_points_to(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link.mp4").symlink_to("far/video.mov")
    part = files.create_part(tmp_path / "link.mp4")
    assert part.parent == (tmp_path / "far").resolve()
    files.publish(part, tmp_path / "link.mp4", replace=False)
    assert names(tmp_path / "far") == ["video.mov"]
    assert (tmp_path / "link.mp4").is_symlink()
    assert files.resolve_link(tmp_path / "far") == tmp_path / "far"


def test_where_directories_cannot_be_opened_files_are_published_too(tmp_path, monkeypatch):
    """As on Windows."""

    def refuse(path, *flags):
        raise PermissionError(13, "Permission denied")

    part = files.create_part(tmp_path / "note.json")
    monkeypatch.setattr(files.sys, "platform", "win32")
    monkeypatch.setattr(files.os, "open", refuse)
    part.write_bytes(b"{}")
    files.publish(part, tmp_path / "note.json", replace=True)
    assert names(tmp_path) == ["note.json"]


def test_part_files_are_new_files_and_no_two_have_one_name(tmp_path):
    parts = {files.create_part(tmp_path / ("x" * 240 + ".mkv")) for _ in range(20)}
    assert len(parts) == 20
    assert all(files.is_part(part.name) for part in parts)


def test_a_part_file_never_follows_a_link(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr(files.secrets, "token_hex", lambda size: "0" * 2 * size)
    (tmp_path / f".out.{'0' * 12}.part.png").symlink_to(victim)
    with pytest.raises(FileExistsError):
        files.create_part(tmp_path / "out.png")
    assert victim.read_bytes() == b"precious"


def refuse_links(*paths):
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("links", [True, False])
def test_what_is_there_is_replaced_only_where_that_is_asked_for(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(files.os, "link", refuse_links)
    path = tmp_path / "out.json"
    files.write_file(path, b"one", replace=False)
    with pytest.raises(FileExistsError):
        files.write_file(path, b"two", replace=False)
    assert path.read_bytes() == b"one"
    files.write_file(path, b"two", replace=True)
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["out.json"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "out.json")
    with pytest.raises(FileExistsError):
        files.write_file(tmp_path / "out.json", b"one", replace=True)
    assert names(tmp_path) == ["out.json"]


def test_a_file_has_the_rights_that_the_user_gives(tmp_path):
    (tmp_path / "usual").touch()
    files.write_file(tmp_path / "out.json", b"{}", replace=False)
    assert (tmp_path / "out.json").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_the_room_needs_no_module_that_only_posix_has():
    program = (
        "import importlib, pkgutil, sys\n"
        "for name in ('fcntl', 'grp', 'pwd', 'resource', 'termios'): sys.modules[name] = None\n"
        "import videostyle.media as room\n"
        "found = [m.name for m in pkgutil.walk_packages(room.__path__, 'videostyle.media.')]\n"
        "assert len(found) > 20\n"
        "for name in found: importlib.import_module(name)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
