"""Whatever a file is called, and however many names it has."""

import os
import sys

import pytest

from tests import media
from tests.test_into import run
from tests.test_stills import names

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


@pytest.mark.parametrize("name", ["n" * 300 + ".mp4", "n" * 248 + ".mp4"])
def test_a_name_that_is_too_long_is_refused_in_words(here, clip, style, capsys, name):
    for words in ([name, "style.png", "out.mp4"], ["clip.mkv", name, "out.mp4"], ["clip.mkv", "style.png", name]):
        assert run(*words, *PLAIN) == 2
        assert "Error" not in capsys.readouterr().err
    assert names(here) == ["clip.mkv", "style.png"]
