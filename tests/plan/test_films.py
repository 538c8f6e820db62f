"""Many films in one command: one that fails is told, the rest is made."""

import pytest

from tests.helpers import media
from tests.helpers.jobs import names, run
from videostyle.render import run as run_module

PLAIN = ["--iterations", "0", "--first-iterations", "0", "--device", "cpu"]
FEW = ["--weights", "builtin", "--first-iterations", "1", "--iterations", "1", "--style-layers", "relu1_1"]


@pytest.fixture
def here(tmp_path, style, monkeypatch):
    """Two films, one that is none, and notes, in a directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clips").mkdir()
    media.write_clip(tmp_path / "clips" / "a.mkv", media.panning(3))
    media.write_clip(tmp_path / "clips" / "c.avi", media.panning(4), sound=None)
    (tmp_path / "clips" / "b.mp4").write_bytes(b"no film")
    (tmp_path / "clips" / "notes.txt").write_text("none")
    return tmp_path


def test_one_that_fails_is_told_and_the_rest_is_made(here, capsys):
    assert run("clips/", "style.png", "new/out/", *PLAIN) == 1
    assert names(here / "new" / "out") == ["a.mkv", "c.mp4"]
    assert [len(media.shown(here / "new/out" / name)[0]) for name in ("a.mkv", "c.mp4")] == [3, 4]
    said = capsys.readouterr()
    assert "b.mp4 is left out: cannot read clips/b.mp4" in said.err
    assert "1 of 3 films could not be made" in said.err.splitlines()[-1]
    assert "2 films in" in said.out


def test_resume_goes_on_with_what_is_left(here):
    (here / "clips" / "b.mp4").unlink()
    assert run("clips/", "style.png", "out/", *PLAIN) == 0
    before = (here / "out" / "a.mkv").stat().st_mtime_ns
    (here / "out" / "c.mp4").unlink()
    assert run("clips/", "style.png", "out/", *PLAIN) == 2  # a.mkv is in the way
    assert names(here / "out") == ["a.mkv"]
    assert run("clips/", "style.png", "out/", *PLAIN, "--resume") == 0
    assert names(here / "out") == ["a.mkv", "c.mp4"]
    assert (here / "out" / "a.mkv").stat().st_mtime_ns == before


def test_the_network_is_loaded_once(here, monkeypatch):
    loads, load = [], run_module.load_engines
    monkeypatch.setattr(run_module, "load_engines", lambda settings: loads.append(settings) or load(settings))
    assert run("clips/a.*", "style.png", "out/", *FEW) == 0
    assert names(here / "out") == ["a.mkv"]
    media.write_clip(here / "clips" / "b.mkv", media.panning(3))
    assert run("clips/*.mkv", "style.png", "out/", *FEW, "--overwrite") == 0
    assert len(loads) == 2


def test_films_and_pictures_of_one_directory_are_both_made(here):
    (here / "clips" / "b.mp4").unlink()
    media.write_picture(here / "clips" / "photo.png")
    assert run("clips/", "style.png", "out/", *PLAIN) == 0
    assert names(here / "out") == ["a.mkv", "c.mp4", "photo.png"]


def test_every_film_in_every_style_and_none_under_one_name(here, capsys):
    media.write_picture(here / "other.png")
    (here / "clips" / "b.mp4").unlink()
    assert run("clips/", "style.png", "other.png", "out/", *PLAIN) == 0
    assert names(here / "out") == ["a_other.mkv", "a_style.mkv", "c_other.mp4", "c_style.mp4"]
    media.write_clip(here / "clips" / "c.mp4", media.panning(2), codec="libx264", sound=None)
    assert run("clips/", "style.png", "out2/", *PLAIN) == 2
    assert "would both be written there" in capsys.readouterr().err
    assert not (here / "out2").exists()


def test_a_dry_run_makes_nothing(here, capsys):
    assert run("clips/", "style.png", "out/", *PLAIN, "--dry-run") == 0
    assert "clips/a.mkv → out/a.mkv" in capsys.readouterr().out
    assert not (here / "out").exists()


@pytest.mark.parametrize("words", [["--into", "--frames", "0:1"], ["--attention-map", "m.png"]])
def test_what_is_for_one_film_is_refused(here, words, capsys):
    assert run("clips/a.mkv", "style.png", "out/", *PLAIN, *words) == 2
    assert not (here / "out").exists()
