"""Kills at random moments: the film is the same, nothing lies beside it but the state, and at the end not even that."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import media
from tests.helpers.jobs import packets

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


def made(*words):
    """Make it without a strike, and say how long that took."""
    began = time.monotonic()
    _, said = (whole := job(*words)).communicate()
    assert whole.returncode == 0, said
    return time.monotonic() - began


def strikes(begin, takes, kills, seed):
    """The exit statuses of a job that is struck and begun again, until it was struck so often and got through once."""
    draw, codes = random.Random(seed), []
    while sum(code != 0 for code in codes) < kills or 0 not in codes:
        number = draw.choice(SIGNALS)
        code, said = struck(begin(), draw.uniform(0.3, 1.05) * takes, number)
        assert code in (0, -number, 128 + number), said
        assert "Traceback" not in said or code == -number  # while Python itself was starting
        codes.append(code)
        yield code
    print(f"{len(codes)} runs, {codes.count(0)} got through")


def survive_as_film(film, style, folder, kills, words, seed):
    """The film is there complete or not at all; it is begun again whenever it is."""
    takes, output = made(film, style, folder / "whole.mkv", *words), folder / "out.mkv"
    expected, allowed = packets(folder / "whole.mkv"), {"film.mkv", "style.png", "whole.mkv"}
    for code in strikes(lambda: job(film, style, output, *words), takes, kills, seed):
        if code == 0 or output.exists():
            assert packets(output) == expected
            made(film, style, output, *words)
            assert {p.name for p in folder.iterdir()} == allowed | {"out.mkv"}
            output.unlink()
        else:
            assert {p.name for p in folder.iterdir()} <= allowed | {".out.mkv.videostyle"}


def survive_as_range(film, style, folder, kills, words, seed):
    """The finished film is as it was, or has the new range; it is put back whenever it has."""
    before, output = folder / "before.mkv", folder / "out.mkv"
    made(film, style, before, *words)
    shutil.copy(before, folder / "whole.mkv")
    words = [*words, "--into", "--frames", "10:50", "--tv-weight", "1"]
    takes = made(film, style, folder / "whole.mkv", *words)
    old, new = packets(before), packets(folder / "whole.mkv")
    shutil.copy(before, output)
    allowed = {"film.mkv", "style.png", "whole.mkv", "before.mkv", "out.mkv"}
    for code in strikes(lambda: job(film, style, output, *words), takes, kills, seed):
        found = packets(output)
        assert found == new or (found == old and code)
        if found == new:
            made(film, style, output, *words)
            assert packets(output) == new
            assert {p.name for p in folder.iterdir()} == allowed
            shutil.copy(before, output)
        else:
            assert {p.name for p in folder.iterdir()} <= allowed | {".out.mkv.videostyle"}


def survive_as_pictures(film, style, folder, kills, words, seed):
    """Each picture is there complete or not at all; they are taken away whenever they all are."""
    whole, output = folder / "whole", folder / "out"
    whole.mkdir()
    output.mkdir()
    takes = made(film, style, whole / "%02d.png", *words)
    expected = {path.name: path.read_bytes() for path in whole.iterdir()}
    for code in strikes(lambda: job(film, style, output / "%02d.png", *words), takes, kills, seed):
        if code == 0:
            made(film, style, output / "%02d.png", *words)
            assert {path.name: path.read_bytes() for path in output.iterdir()} == expected
            for path in output.iterdir():
                path.unlink()
        else:
            there = {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()}
            assert there.items() <= expected.items()
            assert {path.name for path in output.iterdir()} <= {*expected, ".%02d.png.videostyle"}


@pytest.mark.parametrize("survive", [survive_as_film, survive_as_range, survive_as_pictures])
def test_a_few_kills(film, style, tmp_path, survive):
    survive(film, style, tmp_path, 3, PLAIN, seed=1)


def test_a_few_kills_among_workers(film, style, tmp_path):
    survive_as_film(film, style, tmp_path, 3, [*PLAIN, "--workers", "3"], seed=1)


@pytest.mark.kills
@pytest.mark.parametrize("words", [PLAIN, STYLED])
def test_fifty_kills(film, style, tmp_path, words):
    survive_as_film(film, style, tmp_path, 50, words, seed=2)


@pytest.mark.kills
@pytest.mark.parametrize("words", [PLAIN, STYLED])
@pytest.mark.parametrize("survive", [survive_as_range, survive_as_pictures])
def test_kills_of_ranges_and_pictures(film, style, tmp_path, survive, words):
    survive(film, style, tmp_path, 20, words, seed=3)


@pytest.mark.kills
def test_kills_among_workers(film, style, tmp_path):
    survive_as_film(film, style, tmp_path, 20, [*STYLED, "--workers", "3"], seed=4)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_work_in_order_and_says_how_to_go_on(film, style, tmp_path, number, code):
    running = job(film, style, tmp_path / "out.mkv", *LONG)
    wait_for(tmp_path / ".out.mkv.videostyle" / "000000.json")
    returned, said = struck(running, 0, number)
    assert returned == code
    assert "the same command with --resume goes on from there" in said.strip().splitlines()[-1]
    assert {p.name for p in tmp_path.iterdir()} == {"film.mkv", "style.png", ".out.mkv.videostyle"}


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pictures_stopped_in_their_first_segment_are_gone_on_with(film, style, tmp_path, suffix):
    (tmp_path / "out").mkdir()
    output = tmp_path / "out" / f"%02d{suffix}"
    running = job(film, style, output, *STYLED)
    wait_for(tmp_path / "out" / f"01{suffix}")
    returned, _ = struck(running, 0, signal.SIGINT)
    assert returned == 130
    assert not (tmp_path / "out" / f"60{suffix}").exists()
    made(film, style, output, *STYLED)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{n:02d}{suffix}" for n in range(1, 61)]


def test_a_signal_while_torch_loads_is_heeded_after_that(film, style, tmp_path):
    program = (
        "import atexit, os, signal, sys; from videostyle.cli import main\n"
        "atexit.register(lambda: print('torch' in sys.modules))\n"
        "class Strike:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'torch.distributed': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Strike())\n"
        "main(sys.argv[1:])"
    )
    words = [sys.executable, "-c", program, film, style, tmp_path / "out.mkv", *STYLED]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stderr.strip().endswith("videostyle: stopped")
    assert done.stdout.strip() == "True"


def test_what_fails_over_a_signal_is_not_what_is_told(film, style, tmp_path):
    program = (
        "import os, signal, sys; from tqdm import std; from videostyle.cli import main\n"
        "def struck(lock): os.kill(os.getpid(), signal.SIGINT)\n"
        "std.TqdmDefaultWriteLock.__init__ = struck\n"  # then tqdm fails to give back what it has not got
        "main(sys.argv[1:])"
    )
    words = [sys.executable, "-c", program, film, style, tmp_path / "%02d.png", *PLAIN]  # whose sound is left out, told
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stderr.strip() == "videostyle: stopped"


def test_a_signal_after_the_end_changes_nothing(film, style, tmp_path):
    program = (
        "import atexit, os, signal, sys; from videostyle.cli import main\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "main(sys.argv[1:])"
    )
    words = [sys.executable, "-c", program, film, style, tmp_path / "out.mkv", *PLAIN]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out.mkv").exists()


def test_a_second_signal_leaves_at_once(film, style, tmp_path):
    running = job(film, style, tmp_path / "out.mkv", *STYLED[:2], "--first-iterations", "5000")
    wait_for(tmp_path / ".out.mkv.videostyle" / "job.json")
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=5)
    assert running.returncode in (130, 143)
    assert not (tmp_path / "out.mkv").exists()


def wait_for(path):
    deadline = time.monotonic() + 240
    while not path.exists():
        time.sleep(0.005)
        assert time.monotonic() < deadline
