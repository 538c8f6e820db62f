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
from tests import media
from tests.test_resume import made, packets
from videostyle.errors import MediaError, OutputError
from videostyle.media import runs
from videostyle.render import journal, preflight, segments
from videostyle.render.journal import state_folder

COMMAND = Path(sys.executable).with_name("videostyle")
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


@pytest.mark.parametrize("at", range(10))
def test_no_room_for_a_segment_a_state_or_a_note(film, style, tmp_path, monkeypatch, at):
    """The error of a full disk, at ten places among all that a job writes."""
    monkeypatch.setattr(segments, "LENGTH", 6)
    whole, output = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    made(film, style, whole)
    with monkeypatch.context() as full:
        count = 0

        def failing(write):
            def attempt(*args, **words):
                nonlocal count
                count += 1
                if count > 1 + at:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return write(*args, **words)

            return attempt

        full.setattr(journal, "_write", failing(journal._write))
        full.setattr(runs.RunWriter, "_store", failing(runs.RunWriter._store) if at % 2 else runs.RunWriter._store)
        with pytest.raises(MediaError, match="No space left on device"):
            made(film, style, output)
    assert not output.exists()
    made(film, style, output, resume=True)
    assert packets(output) == packets(whole)


def test_too_little_room_is_told_before_the_work(film, style, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(OutputError, match=r"needs about .* and .* are free"):
        videostyle.stylize_video(film, style, tmp_path / "out.mp4")
    assert {p.name for p in tmp_path.iterdir()} == {"film.mkv", "style.png"}
