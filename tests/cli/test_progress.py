"""What is said while a job runs, and to whom: nothing about stderr or stdout ends or hangs a job."""

import json
import subprocess
import sys

import pytest

from tests.helpers import media
from videostyle.cli.progress import PLAIN_SECONDS, Bar, JsonLines, PlainLines, estimate_line, make_progress
from videostyle.cli.streams import SafeStream
from videostyle.render.progress import FrameReport

COMMAND = [sys.executable, "-m", "videostyle"]
FEW = ["--weights", "builtin", "--first-iterations", "2", "--iterations", "1", "--device", "cpu"]


def command(*words):
    return [*COMMAND, *map(str, words), *FEW]


@pytest.mark.parametrize(
    "redirection", ["2>&-", "2>/dev/full", ">&-", ">/dev/full", ">/dev/full 2>&1", "2>&1 | head -c 30"]
)
def test_output_that_is_closed_or_full_or_not_read_is_no_error(clip, style, tmp_path, redirection):
    words = " ".join(command(clip, style, tmp_path / "out.mp4", "--progress", "bar"))
    pipe = "set -o pipefail; " if "|" in redirection else ""
    done = subprocess.run(["bash", "-c", f"{pipe}{words} {redirection}"], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(media.shown(tmp_path / "out.mp4")[0]) == 6


def test_a_log_has_few_lines_and_the_last(clip, style, tmp_path):
    done = subprocess.run(command(clip, style, tmp_path / "out.mp4"), capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert "\r" not in done.stderr
    assert len(lines) <= 4
    assert lines[0].startswith("videostyle: 6 frames at 64x48, ")
    assert lines[-1].startswith("videostyle: 6/6 frames, ")


def test_programs_get_one_event_a_line(clip, style, tmp_path):
    words = command(clip, style, tmp_path / "out.mp4", "--progress", "json")
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    events = [json.loads(line) for line in done.stderr.splitlines()]
    kinds = [event["event"] for event in events]
    assert [kind for kind in kinds if kind != "notice"] == ["job", "shot", *["frame"] * 6, "done"]
    (job,) = (event for event in events if event["event"] == "job")
    assert (job["frames"], job["size"], job["output"]) == (6, [64, 48], str(tmp_path / "out.mp4"))
    assert job["estimated_seconds"] > 0
    frames = [event for event in events if event["event"] == "frame"]
    assert [(frame["frame"], frame["done"], frame["frames"]) for frame in frames] == [(n, n + 1, 6) for n in range(6)]
    assert all(frame["losses"]["style"] > 0 for frame in frames)
    assert frames[-1]["seconds_left"] == 0
    again = subprocess.run(words, capture_output=True, text=True, check=False)
    assert again.returncode == 2
    (error,) = map(json.loads, again.stderr.splitlines())
    assert error["event"] == "error"
    assert "it exists" in error["message"]


def test_a_dry_run_says_what_would_be_done_and_makes_nothing(clip, style, tmp_path):
    words = command(clip, style, tmp_path / "out.mp4", "--dry-run")
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "6 frames at 64x48" in done.stdout
    assert str(tmp_path / "out.mp4") in done.stdout
    assert not (tmp_path / "out.mp4").exists()


class Plan:
    """As much of a plan as progress asks for."""

    frames, work, size, is_passthrough = 10, 100.0, (64, 48), False

    def left(self, done):
        return 10.0 * (10 - done)


def test_lines_come_every_few_seconds_and_at_the_end(monkeypatch):
    now, said = [0.0], []
    monkeypatch.setattr("videostyle.cli.progress.time.monotonic", lambda: now[0])
    stream = SafeStream(None)
    monkeypatch.setattr(stream, "write", said.append)
    lines = PlainLines(stream)
    lines.on_start(Plan(), None)
    for number in range(10):
        now[0] += PLAIN_SECONDS / 4
        lines.on_work(10)
        lines.on_frame(FrameReport(number, PLAIN_SECONDS / 4, {}))
    assert [line.partition(" frames")[0] for line in said] == [f"videostyle: {n}/10" for n in (4, 8, 10)]
    assert ", 1.25 s/frame, 8 s to go" in said[0]


def test_after_a_resume_the_rate_counts_what_was_made_now():
    lines = PlainLines(SafeStream(None))
    lines.on_start(Plan(), None)
    lines.on_resume(6)
    lines.on_work(10)
    lines.on_frame(FrameReport(6, 2.0, {}))
    assert lines._line() == "7/10 frames, 2.00 s/frame, 6 s to go"


def test_a_long_time_is_told_in_minutes_and_hours():
    assert "about 50 s" in estimate_line(Plan(), 50)
    assert "about 2:05" in estimate_line(Plan(), 125)
    assert "about 3:00:07" in estimate_line(Plan(), 3 * 3600 + 7)


def test_what_is_shown_depends_on_who_looks(monkeypatch):
    assert type(make_progress("none", quiet=False)).__name__ == "Progress"
    assert isinstance(make_progress("json", quiet=False), JsonLines)
    monkeypatch.setattr(SafeStream, "isatty", lambda stream: True)
    assert isinstance(make_progress("auto", quiet=False), Bar)
    monkeypatch.setattr(SafeStream, "isatty", lambda stream: False)
    assert isinstance(make_progress("auto", quiet=False), PlainLines)


class Gone:
    """A stream whose reader left."""

    def write(self, text):
        raise BrokenPipeError

    flush = isatty = lambda self: self.write("")


def test_a_stream_whose_reader_left_takes_everything():
    stream = SafeStream(Gone())
    for _ in range(3):
        assert stream.write("much") == 4
        stream.flush()
    assert not stream.isatty()
