"""Kills at random moments: the film is the same, nothing lies beside it but the state, and at the end not even that."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import media
from tests.test_resume import packets

COMMAND = Path(sys.executable).with_name("videostyle")
STYLED = ["--weights", "builtin", "--iterations", "1", "--first-iterations", "1", "--style-layers", "relu2_1"]
LONG = [*STYLED[:2], "--iterations", "8", "--first-iterations", "1", "--style-layers", "relu2_1"]
PLAIN = ["--iterations", "0", "--first-iterations", "0"]
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]


@pytest.fixture
def film(tmp_path):
    """Sixty frames of three shots, with sound."""
    images = [*media.panning(26), *media.panning(20, seed=3), *media.panning(14, seed=9)]
    return media.write_clip(tmp_path / "film.mkv", images)


def job(film, style, output, *words):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    words = [COMMAND, film, style, output, "--codec", "ffv1", "--resume", *words]
    return subprocess.Popen(list(map(str, words)), stderr=subprocess.PIPE, text=True, env=environment)


def struck(running, after, number):
    """The job's exit status and words, after a signal some time after its start."""
    time.sleep(after)
    if running.poll() is None:
        running.send_signal(number)
    _, said = running.communicate(timeout=60)
    return running.returncode, said


def survive(film, style, folder, kills, words, seed):
    """Kill until `kills` have struck; the job is begun again whenever it gets through."""
    draw = random.Random(seed)
    began = time.monotonic()
    _, said = (whole := job(film, style, folder / "whole.mkv", *words)).communicate()
    assert whole.returncode == 0, said
    takes, expected = time.monotonic() - began, packets(folder / "whole.mkv")
    output, struck_times, finished = folder / "out.mkv", 0, 0
    allowed = {"film.mkv", "style.png", "whole.mkv", ".out.mkv.videostyle"}
    while struck_times < kills or not finished:
        number = draw.choice(SIGNALS)
        code, said = struck(job(film, style, output, *words), draw.uniform(0.3, 1.05) * takes, number)
        assert "Traceback" not in said or code == -number  # while Python itself was starting
        struck_times += code != 0
        if code == 0 or output.exists():
            assert packets(output) == expected
            finished += 1
            _, said = (again := job(film, style, output, *words)).communicate()
            assert again.returncode == 0, said
            assert {p.name for p in folder.iterdir()} == (allowed | {"out.mkv"}) - {".out.mkv.videostyle"}
            output.unlink()
        else:
            assert code in (-number, 128 + number), said
            assert {p.name for p in folder.iterdir()} <= allowed
    return struck_times, finished


def test_a_few_kills(film, style, tmp_path):
    survive(film, style, tmp_path, 3, PLAIN, seed=1)


@pytest.mark.kills
@pytest.mark.parametrize("words", [PLAIN, STYLED])
def test_fifty_kills(film, style, tmp_path, words):
    print(survive(film, style, tmp_path, 50, words, seed=2))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_work_in_order_and_says_how_to_go_on(film, style, tmp_path, number, code):
    running = job(film, style, tmp_path / "out.mkv", *LONG)
    wait_for(tmp_path / ".out.mkv.videostyle" / "000000.json")
    returned, said = struck(running, 0, number)
    assert returned == code
    assert "the same command with --resume goes on from there" in said.strip().splitlines()[-1]
    assert {p.name for p in tmp_path.iterdir()} == {"film.mkv", "style.png", ".out.mkv.videostyle"}


def test_a_second_signal_leaves_at_once(film, style, tmp_path):
    running = job(film, style, tmp_path / "out.mkv", *STYLED[:2], "--first-iterations", "5000")
    wait_for(tmp_path / ".out.mkv.videostyle" / "job.json")
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=5)
    assert running.returncode in (130, 143)
    assert not (tmp_path / "out.mkv").exists()


def wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists():
        time.sleep(0.005)
        assert time.monotonic() < deadline
