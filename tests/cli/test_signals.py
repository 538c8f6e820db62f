"""A signal is noted where it comes, and heeded where that is safe; a terminal that is gone ends nothing."""

import os
import pty
import signal
import subprocess
import sys

import pytest

from tests.helpers import media
from tests.helpers.jobs import run
from videostyle import interrupt

FEW = ["--weights", "builtin", "--first-iterations", "2", "--iterations", "1", "--device", "cpu"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_measures_a_film(clip, tmp_path, number, capsys):
    interrupt.request(number)
    assert run("evaluate", str(clip), str(clip), "--json", str(tmp_path / "found.json")) == 128 + number
    assert capsys.readouterr().err == "\nvideostyle: stopped\n"
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mkv"]


def test_a_signal_ends_what_measures_the_machine(capsys):
    interrupt.request(signal.SIGINT)
    assert run("bench", "--quick", "--device", "cpu") == 130
    assert capsys.readouterr().err.endswith("\nvideostyle: stopped\n")


def test_a_terminal_that_is_closed_ends_nothing_where_hangups_are_ignored(clip, style, tmp_path):
    """As `nohup` and `disown` ask; otherwise SIGHUP ends the work as SIGTERM does."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "videostyle", clip, style, tmp_path / "out.mkv", *FEW]
    job = subprocess.Popen(
        list(map(str, words)),
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    os.close(theirs)
    assert os.read(ours, 1)  # it has begun to speak
    os.close(ours)
    assert job.wait(120) == 0
    assert len(media.shown(tmp_path / "out.mkv")[0]) == 6
