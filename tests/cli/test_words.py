"""What users type: the last of repeated words counts, and mistakes are named."""

import os
import subprocess
import sys

import pytest

from tests.helpers import media
from tests.helpers.jobs import names, run
from videostyle.cli.flags import last_lists
from videostyle.cli.parse import parse_frames

PLAIN = ["--iterations", "0", "--first-iterations", "0", "--device", "cpu"]


@pytest.fixture
def here(clip, style, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_of_a_repeated_option_the_last_counts(here):
    words = ["--frames", "0:2", "--quiet", "--frames", "0:3", "--codec", "h264", "--codec=ffv1", "--quiet"]
    assert run("clip.mkv", "style.png", "out.mkv", *PLAIN, *words) == 0
    assert len(media.shown(here / "out.mkv")[0]) == 3


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("a b --style-mix 1 2 --seed 1 --style-mix 3", "a b --seed 1 --style-mix 3"),
        ("--style-mix=1 a --style-mix=2", "--style-mix=2"),
        ("a --style-mix 1 2 --quiet", "a --style-mix 1 2 --quiet"),
        ("evaluate a b --style c --style d", "evaluate a b --style c --style d"),
    ],
)
def test_of_a_repeated_list_the_last_counts(words, kept):
    assert last_lists(words.split()) == kept.split()


def test_a_single_frame_needs_no_colon():
    assert parse_frames("20") == (20, 21)


def test_a_frame_of_a_film_is_a_picture(here):
    assert run("clip.mkv", "style.png", "out.png", *PLAIN, "--frames", "3") == 0
    assert names(here) == ["clip.mkv", "out.png", "style.png"]
    (picture,), _ = media.shown(here / "out.png")
    assert (picture == media.shown(here / "clip.mkv")[0][3]).all()
    assert run("clip.mkv", "style.png", "out.png", *PLAIN, "--frames", "3") == 2
    assert run("clip.mkv", "style.png", "out.png", *PLAIN, "--frames", "2", "--overwrite") == 0
    (picture,), _ = media.shown(here / "out.png")
    assert (picture == media.shown(here / "clip.mkv")[0][2]).all()


def test_a_film_may_have_a_percent_sign_in_its_name(here):
    assert run("clip.mkv", "style.png", "100%done.mkv", *PLAIN) == 0
    assert run("100%done.mkv", "style.png", "50%d.mp4", *PLAIN) == 0
    assert names(here) == ["100%done.mkv", "50%d.mp4", "clip.mkv", "style.png"]


MISTAKES = [
    (["style.png", "clip.mkv", "out.mkv"], "say CONTENT first: clip.mkv style.png"),
    (["clip.mkv", "style.png", "out.mp4", "--style-weight", "5", "10"], "10 stands where a file is expected"),
    (["clip.mkv", "style.png", "out.mp4", "--start", "100"], "it ends at 0.21 s"),
    (["clip.mkv", "style.png", "out.mp4", "--frames", "50:60"], "it has 6 frames"),
    (["-", "style.png", "out.mp4"], "pipes and devices are not read"),
    (["/dev/stdin", "style.png", "out.mp4"], "pipes and devices are not read"),
    (["clip.mkv", "/dev/null", "out.mp4"], "pipes and devices are not read"),
    (["clip.mkv", "style.png", "out.png"], "--frames A makes one picture"),
    (["clip.mkv", "style.png", "link.mkv"], "cannot write link.mkv: it exists"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistake_is_named(here, capsys, words, said):
    (here / "there.mkv").write_bytes(b"x")
    (here / "link.mkv").symlink_to("there.mkv")
    assert run(*words, *PLAIN) == 2
    assert said in capsys.readouterr().err
    assert names(here) == ["clip.mkv", "link.mkv", "style.png", "there.mkv"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize(
    "words",
    [
        ["pipe1.png", "style.png", "out.png"],
        ["pipe%d.png", "style.png", "out.mkv"],
        ["clip.mkv", "pipe1.png", "out.mkv"],
        ["clip.mkv", "style.png", "out.mkv", "--content-masks", "pipe1.png"],
        ["clip.mkv", "style.png", "out.mkv", "--style-masks", "pipe1.png"],
        ["clip.mkv", "style.png", "out.mkv", "--init", "pipe1.png"],
        ["clip.mkv", "style.png", "out.mkv", "--config", "pipe1.png"],
    ],
)
def test_a_pipe_is_not_waited_for(here, capsys, words):
    os.mkfifo("pipe1.png")
    assert run(*words, *PLAIN) == 2
    assert "save it as a file" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize("output", ["out/", "out/%d.png"])
def test_a_pipe_among_many_outputs_is_refused_before_the_work(here, capsys, output):
    media.write_picture(here / "1.png")
    (here / "out").mkdir()
    os.mkfifo("out/1.png")
    assert run("1.png" if output == "out/" else "clip.mkv", "style.png", output, *PLAIN, "--overwrite") == 2
    assert "out/1.png: it is a pipe or a device" in capsys.readouterr().err


def test_masks_that_do_not_fit_are_named(here, caplog):
    media.write_clip(here / "mask.mkv", media.panning(3, 64, 64), sound=None)
    words = ["--content-masks", "mask.mkv"]
    assert run("clip.mkv", "style.png", "out.mkv", *PLAIN, *words) == 0
    assert "the mask mask.mkv is 64x64 and clip.mkv 64x48; it is stretched" in caplog.text
    assert "the mask mask.mkv has 3 frames and clip.mkv 6; its last one stays" in caplog.text


def test_what_measures_a_film_draws_no_bar_into_a_log(here):
    words = [sys.executable, "-m", "videostyle", "evaluate", "clip.mkv", "clip.mkv"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "\r" not in done.stderr
