"""A job that is stopped loses at most a segment, and its film is the one that was never stopped."""

import json
from itertools import pairwise

import av
import numpy as np
import pytest

import videostyle
from tests.helpers import media
from tests.helpers.jobs import PLAIN, STYLED, StopError, made, packets, render
from videostyle.errors import OutputError
from videostyle.journal import journal
from videostyle.journal.folder import state_folder
from videostyle.journal.journal import Journal


@pytest.mark.parametrize(
    ("settings", "suffix"),
    [
        (PLAIN, ".mp4"),
        (PLAIN, ".mkv"),
        (STYLED, ".mp4"),
        (STYLED.override(passes=3), ".mp4"),
        (PLAIN.override(codec="hevc"), ".mp4"),
        (PLAIN.override(codec="av1"), ".mkv"),
        (PLAIN.override(codec="vp9"), ".webm"),
        (PLAIN.override(codec="prores"), ".mov"),
        (PLAIN.override(codec="ffv1"), ".mkv"),
    ],
)
def test_a_film_that_was_stopped_is_the_film_that_was_not(film, style, tmp_path, settings, suffix):
    whole, output = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    made(film, style, whole, settings)
    for stop in (5, 8, 12):
        note = made(film, style, output, settings, stop=stop, resume=True)
        assert "--resume" in note
        assert not output.exists()
    reports = []
    render(film, style, output, settings, resume=True, on_frame=reports.append)
    first = 12 if settings.passes == 1 and not settings.iterations else 13 if settings.passes == 1 else 10
    made_again = [report.index for report in reports]  # what was under way at the stop may be finished as well
    assert made_again == list(range(14 - len(made_again), 14))
    assert len(made_again) <= 14 - first
    assert packets(output) == packets(whole)
    assert media.shown(output)[1] == pytest.approx(media.shown(film)[1], abs=1e-3)
    assert {p.name for p in tmp_path.iterdir()} == {"film.mkv", "style.png", output.name, whole.name}


def test_segments_play_as_one_film(film, style, tmp_path):
    made(film, style, tmp_path / "out.mp4")
    images, times = media.shown(tmp_path / "out.mp4")
    assert times == media.shown(film)[1]
    assert all(media.psnr(a, b) > 30 for a, b in zip(images, media.shown(film)[0], strict=True))
    with av.open(str(tmp_path / "out.mp4")) as container:
        packets = [p for p in container.demux(video=0) if p.dts is not None]
    assert all(a.dts < b.dts for a, b in pairwise(packets))
    assert all(p.dts <= p.pts for p in packets)
    assert [n for n, p in enumerate(sorted(packets, key=lambda p: p.pts)) if p.is_keyframe] == [0, 4, 8, 12]


def test_a_range_is_resumed_with_its_own_clock_and_sound(film, style, tmp_path):
    span = videostyle.Span(2, 13)
    made(film, style, tmp_path / "whole.mp4", span=span)
    made(film, style, tmp_path / "out.mp4", span=span, stop=9)
    made(film, style, tmp_path / "out.mp4", span=span, resume=True)
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.parametrize("name", ["out", "line\u2028\n"])
def test_numbered_pictures_are_resumed(film, style, tmp_path, name):
    output, reports = tmp_path / f"{name}.%02d.png", []
    made(film, style, output, stop=10)
    (tmp_path / f"{name}.06.png").write_bytes(b"changed")
    render(film, style, output, PLAIN, resume=True, on_frame=reports.append)
    assert reports[0].index == 4
    for number, image in enumerate(media.shown(film)[0], 1):
        with av.open(str(tmp_path / f"{name}.{number:02d}.png")) as picture:
            np.testing.assert_array_equal(next(picture.decode(video=0)).to_ndarray(format="rgb24"), image)
    assert not state_folder(output).exists()


def test_a_job_stopped_in_its_first_segment_leaves_nothing(film, style, tmp_path):
    assert made(film, style, tmp_path / "out.mp4", stop=1) == ""
    assert {p.name for p in tmp_path.iterdir()} == {"film.mkv", "style.png"}


def test_a_segment_counts_from_the_moment_that_its_note_is_there(film, style, tmp_path, monkeypatch):
    output, write = tmp_path / "out.mp4", journal.write_json

    def struck_after(path, content):
        write(path, content)
        if path.name == "000000.json":
            raise StopError

    monkeypatch.setattr(journal, "write_json", struck_after)
    assert "4 finished frames are kept" in made(film, style, output)
    assert (state_folder(output) / "000000.packets").exists()


@pytest.mark.parametrize(
    ("name", "redone"),
    [("000002.state", 8), ("000002.packets", 8), ("000002.json", 8), ("000001.packets", 0), ("000000.json", 0)],
)
@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_torn_or_changed_state_is_made_again(film, style, tmp_path, name, redone, harm):
    whole, output = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    made(film, style, whole, STYLED)
    made(film, style, output, STYLED, stop=12)
    path = state_folder(output) / name
    content = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    else:
        path.unlink()
    reports = []
    render(film, style, output, STYLED, resume=True, on_frame=reports.append)
    assert reports[0].index == redone
    assert packets(output) == packets(whole)


def test_a_range_made_once_more_is_resumed_as_well(film, style, tmp_path):
    """Though the film says that this very job is finished: it went into another film."""
    output, span = tmp_path / "out.mkv", videostyle.Span(2, 13)
    made(film, style, output)
    made(film, style, output, span=span, into=True)
    assert "--resume" in made(film, style, output, span=span, into=True, stop=10)
    reports = []
    again = {"span": span, "into": True, "resume": True, "on_frame": reports.append}
    render(film, style, output, PLAIN, **again)
    assert 0 < len(reports) < 12
    assert not state_folder(output).exists()


def test_the_old_film_stays_until_the_new_one_is_complete(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    output.write_bytes(b"the old film")
    made(film, style, output, stop=8, overwrite=True)
    assert output.read_bytes() == b"the old film"
    made(film, style, output, overwrite=True, resume=True)
    assert len(media.shown(output)[0]) == 14


def test_two_jobs_do_not_share_an_output(film, style, tmp_path):
    with Journal(tmp_path / "out.mp4", {}, resume=False), pytest.raises(OutputError, match="another videostyle"):
        made(film, style, tmp_path / "out.mp4")


def test_the_state_is_no_larger_than_it_must_be(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    made(film, style, output, STYLED, stop=13)
    folder = state_folder(output)
    assert sorted(p.name for p in folder.glob("*.state")) == ["000001.state", "000002.state"]
    assert json.loads((folder / "000000.json").read_text())["frames"] == 4
