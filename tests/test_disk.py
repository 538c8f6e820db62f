"""A disk that fills up, at any moment: a clear line, the work kept, and a resume that makes the same film."""

import errno
import os
import resource
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

import videostyle
from tests.helpers import media
from tests.helpers.jobs import STYLED, made, packets
from videostyle.errors import MediaError, OutputError
from videostyle.journal import journal, state
from videostyle.journal.folder import state_folder
from videostyle.media import packet_file
from videostyle.media.image import still
from videostyle.plan import disk
from videostyle.plan.plan import SegmentLimits

COMMAND = Path(sys.executable).with_name("videostyle")
SIX = SegmentLimits(6, 2)
PLAIN = ["--iterations", "0", "--first-iterations", "0", "--codec", "ffv1"]


@pytest.fixture
def film(tmp_path):
    return media.write_clip(tmp_path / "film.mkv", media.panning(60))


def limited(limit, *words):
    """The command, with no file allowed to grow beyond `limit` bytes: writing more fails in the middle of a write."""

    def cap():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run([COMMAND, *map(str, words)], capture_output=True, text=True, check=False, preexec_fn=cap)
    return done.returncode, done.stderr


@pytest.mark.parametrize("share", [0.002, 0.02, 0.1, 0.2, 0.3, 0.35, 0.42, 0.5, 0.8, 0.99])
def test_a_limit_at_any_size_is_a_clear_line_and_the_work_is_kept(film, style, tmp_path, share):
    whole, output = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    assert limited(1 << 30, film, style, whole, *PLAIN)[0] == 0
    code, said = limited(int(whole.stat().st_size * share), film, style, output, *PLAIN)
    assert code == 1
    line = said.strip().splitlines()[-1]
    assert "Traceback" not in said
    assert "out.mkv" in line
    assert "room" in line or "disk full" in line
    assert not output.exists()
    assert {p.name for p in tmp_path.iterdir()} <= {"film.mkv", "style.png", "whole.mkv", ".out.mkv.videostyle"}
    kept = state_folder(output).exists()
    assert kept == ("--resume" in line)
    code, said = limited(1 << 30, film, style, output, *PLAIN, "--resume")
    assert code == 0
    assert ("resumed at frame" in said) == kept
    assert packets(output) == packets(whole)
    assert not state_folder(output).exists()


@pytest.mark.parametrize("share", [0.01, 0.2, 0.9])
def test_a_limit_leaves_a_film_as_it_was_before_its_range_is_put_in(film, style, tmp_path, share):
    output, whole = tmp_path / "out.mkv", tmp_path / "whole.mkv"
    for path in (output, whole):
        assert limited(1 << 30, film, style, path, *PLAIN)[0] == 0
    words = ["--frames", "10:50", "--tv-weight", "1", "--into"]
    assert limited(1 << 30, film, style, whole, *words)[0] == 0
    before = output.read_bytes()
    code, said = limited(int(len(before) * share), film, style, output, *words)
    assert code == 1
    assert "room" in said or "disk full" in said
    assert output.read_bytes() == before
    code, said = limited(1 << 30, film, style, output, *words, "--resume")
    assert code == 0
    assert packets(output) == packets(whole)
    assert {p.name for p in tmp_path.iterdir()} == {"film.mkv", "style.png", "whole.mkv", "out.mkv"}


def failing(write, after):
    """The same, on a disk that is full after so many calls."""
    count = 0

    def attempt(*args, **words):
        nonlocal count
        count += 1
        if count > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(*args, **words)

    return attempt


@pytest.mark.parametrize("at", range(10))
def test_no_room_for_a_segment_a_state_or_a_note(film, style, tmp_path, monkeypatch, at):
    """The error of a full disk, at ten places among all that a job writes."""
    whole, output = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    made(film, style, whole, limits=SIX)
    with monkeypatch.context() as full:
        place, name = (packet_file.PacketFileWriter, "_store") if at % 2 else (journal, "write_json")
        full.setattr(place, name, failing(getattr(place, name), 1 + at))
        with pytest.raises(MediaError, match="No space left on device"):
            made(film, style, output, limits=SIX)
    assert not output.exists()
    made(film, style, output, resume=True, limits=SIX)
    assert packets(output) == packets(whole)


@pytest.mark.parametrize("after", [0, 5, 13])
def test_no_room_for_a_picture(film, style, tmp_path, monkeypatch, after):
    folder = tmp_path / "out"
    folder.mkdir()
    span = videostyle.Span(0, 20)
    made(film, style, tmp_path / "%02d.png", span=span, limits=SIX)
    with monkeypatch.context() as full:
        full.setattr(still, "write_file", failing(still.write_file, after))
        with pytest.raises(MediaError, match=r"No space left on device; make room"):
            made(film, style, folder / "%02d.png", span=span, limits=SIX)
    there = {path.name for path in folder.iterdir() if path.is_file()}
    assert there == {f"{number:02d}.png" for number in range(1, after + 1)}
    made(film, style, folder / "%02d.png", span=span, resume=True, limits=SIX)
    assert sorted(path.name for path in folder.iterdir()) == [f"{number:02d}.png" for number in range(1, 21)]
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


@pytest.mark.parametrize("after", [1, 3, 5])
def test_no_room_for_what_several_workers_make(style, tmp_path, monkeypatch, after):
    shots = [*media.panning(9), *media.panning(9, seed=3), *media.panning(9, seed=9)]
    film, settings = media.write_clip(tmp_path / "film.mkv", shots), STYLED.override(workers=3)
    whole, output = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    made(film, style, whole, STYLED)
    with monkeypatch.context() as full:
        full.setattr(state, "save_file", failing(state.save_file, after))
        with pytest.raises(MediaError, match="No space left on device"):
            made(film, style, output, settings)
    assert not output.exists()
    assert state_folder(output).exists()
    made(film, style, output, settings, resume=True)
    assert packets(output) == packets(whole)
    assert not state_folder(output).exists()


def test_what_cannot_be_taken_back_is_told(tmp_path):
    with journal.Journal(tmp_path / "out.mkv", {}, resume=False) as kept:
        (kept.folder / "000000.json").mkdir()
        with pytest.raises(MediaError, match=r"writing .*out\.mkv failed"):
            kept.drop([0])


def test_a_directory_that_is_not_to_be_written_to_is_told_before_the_work(film, style, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    (tmp_path / "out").mkdir()
    for output in ("out.mp4", "out.%02d.png", "out/a.png"):
        content = style if output.endswith("a.png") else film
        with pytest.raises(OutputError, match="you may not write to"):
            videostyle.stylize_video(content, style, tmp_path / output)
    assert {p.name for p in tmp_path.iterdir()} == {"film.mkv", "style.png", "out"}


def test_too_little_room_is_told_before_the_work(film, style, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(OutputError, match=r"needs about .* and .* are free"):
        videostyle.stylize_video(film, style, tmp_path / "out.mp4")
    assert {p.name for p in tmp_path.iterdir()} == {"film.mkv", "style.png"}
