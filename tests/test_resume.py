"""A job that is stopped loses at most a segment, and its film is the one that was never stopped."""

import json
import os
from fractions import Fraction
from importlib.metadata import version
from itertools import pairwise

import av
import numpy as np
import pytest
import torch
from cv2 import imwrite

import videostyle
from tests.helpers import media
from tests.helpers.jobs import PLAIN, SHORT, STYLED, StopError, made, packets, render
from videostyle.errors import AppearedError, OutputError
from videostyle.frames import Frame, Motion, TrackedFrame
from videostyle.journal import journal
from videostyle.journal.folder import state_folder
from videostyle.journal.journal import Journal
from videostyle.media.provenance import read_comment
from videostyle.plan import identity
from videostyle.render import run as run_module
from videostyle.render.borders import find_segments
from videostyle.sources import read_made


@pytest.fixture
def film(tmp_path):
    """Fourteen frames with sound and uneven times: a setup, another one, and the first again."""
    images = [*media.panning(9)[:5], *media.panning(5, seed=3), *media.panning(9)[5:]]
    pts = [0, 40, 80, 81, 160, 200, 260, 280, 320, 360, 400, 440, 480, 900]
    return media.write_clip(tmp_path / "film.mkv", images, pts=pts, time_base=Fraction(1, 1000))


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


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (STYLED.override(iterations=2), "iterations 1 → 2"),
        (STYLED.override(tv_weight=0.5, seed=3), "tv-weight 0.02 → 0.5 and seed 0 → 3"),
    ],
)
def test_work_of_other_settings_is_not_mixed_in(film, style, tmp_path, settings, said):
    output = tmp_path / "out.mp4"
    made(film, style, output, STYLED, stop=8)
    kept = {p.name for p in state_folder(output).iterdir()}
    with pytest.raises(OutputError, match=said):
        made(film, style, output, settings, resume=True)
    assert {p.name for p in state_folder(output).iterdir()} == kept


def test_work_on_another_source_or_style_is_not_mixed_in(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    made(film, style, output, stop=8)
    with pytest.raises(OutputError, match="changed style;"):
        made(film, media.write_picture(tmp_path / "other.png"), output, resume=True)
    film.write_bytes(media.write_clip(tmp_path / "b.mkv", media.panning(14)).read_bytes())
    with pytest.raises(OutputError, match="changed content;"):
        made(film, style, output, resume=True)


def test_unfinished_work_is_not_thrown_away_by_forgetting_a_word(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    made(film, style, output, stop=8)
    with pytest.raises(OutputError, match="--resume goes on"):
        made(film, style, output)
    assert made(film, style, output, overwrite=True).frames == 14


def test_a_finished_job_is_finished(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    made(film, style, output, resume=True)
    content = output.read_bytes()
    state_folder(output).mkdir()  # as if killed while the state was taken away
    made(film, style, output, resume=True)
    assert output.read_bytes() == content
    assert not state_folder(output).exists()
    with pytest.raises(OutputError, match="it exists"):
        made(film, style, output, PLAIN.override(codec="ffv1"), resume=True)


@pytest.fixture
def idle(monkeypatch):
    """No network is loaded, and no frame is made."""

    def refuse(*_):
        raise AssertionError("there is nothing to do")

    def begin():
        monkeypatch.setattr(run_module, "load_engines", refuse)
        monkeypatch.setattr(run_module, "render_locally", refuse)

    return begin


@pytest.mark.parametrize("name", ["out.mp4", "out.%02d.png", "out.%02d.tif", "out.%02d.jpg"])
@pytest.mark.parametrize("span", [videostyle.Span(), videostyle.Span(3, 11), videostyle.Span(start=Fraction(1, 5))])
def test_what_is_finished_is_told_and_not_made_again(film, style, tmp_path, caplog, idle, name, span):
    caplog.set_level("INFO", "videostyle")
    made(film, style, tmp_path / name, STYLED, span=span)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    idle()
    made(film, style, tmp_path / name, STYLED, span=span, resume=True)
    assert sum("is finished already" in message for message in caplog.messages) == 1
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_pictures_of_numbered_pictures_are_finished(style, tmp_path, idle):
    for number, image in enumerate(media.panning(4), 7):
        imwrite(str(tmp_path / f"in{number}.png"), image)
    made(tmp_path / "in%d.png", style, tmp_path / "out%d.png", STYLED, span=videostyle.Span(1, 3))
    idle()
    made(tmp_path / "in%d.png", style, tmp_path / "out%d.png", STYLED, span=videostyle.Span(1, 3), resume=True)


def test_a_range_that_is_finished_is_told_and_not_made_again(film, style, tmp_path, caplog, idle):
    caplog.set_level("INFO", "videostyle")
    span = videostyle.Span(5, 10)
    for name in ("out.mkv", "out.%02d.png"):
        made(film, style, tmp_path / name)
        made(film, style, tmp_path / name, PLAIN.override(tv_weight=1), span=span, into=True)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    idle()
    for name in ("out.mkv", "out.%02d.png"):
        made(film, style, tmp_path / name, PLAIN.override(tv_weight=1), span=span, into=True, resume=True)
    assert sum("is finished already" in message for message in caplog.messages) == 2
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


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


def test_pictures_of_which_one_is_missing_are_not_finished(film, style, tmp_path):
    output = tmp_path / "out.%02d.png"
    made(film, style, output)
    (tmp_path / "out.14.png").unlink()
    made(film, style, output, resume=True)
    assert (tmp_path / "out.14.png").exists()


def test_a_picture_that_is_finished_is_not_made_again(style, tmp_path, idle):
    photo, output = media.write_picture(tmp_path / "photo.png"), tmp_path / "out.tif"
    made(photo, style, output, STYLED, resume=True)
    idle()
    made(photo, style, output, STYLED, resume=True)
    with pytest.raises(OutputError, match="it exists"):
        made(photo, style, output, STYLED.override(seed=1), resume=True)


def test_what_other_weights_made_is_not_finished(film, style, tmp_path):
    made(film, style, tmp_path / "out.mkv")
    with pytest.raises(OutputError, match="it exists"):
        made(film, style, tmp_path / "out.mkv", PLAIN.override(weights="builtin"), resume=True)


def test_work_of_another_codec_library_is_not_mixed_in(film, style, tmp_path, monkeypatch):
    output = tmp_path / "out.mp4"
    made(film, style, output, stop=8)
    there = identity.version("av")
    monkeypatch.setattr(identity, "version", lambda name: "17.0.0" if name == "av" else version(name))
    with pytest.raises(OutputError, match=f"changed av {there} → 17.0.0"):
        made(film, style, output, resume=True)


@pytest.mark.parametrize("package", ["pillow", "numpy"])
def test_work_of_another_picture_library_is_not_mixed_in(film, style, tmp_path, monkeypatch, package):
    output = tmp_path / "out.mp4"
    made(film, style, output, stop=8)
    monkeypatch.setattr(identity, "version", lambda name: "1.0" if name == package else version(name))
    with pytest.raises(OutputError, match=f"changed {package} {version(package)} → 1.0"):
        made(film, style, output, resume=True)


def test_work_of_another_number_of_threads_is_not_mixed_in(film, style, tmp_path, monkeypatch):
    output, threads = tmp_path / "out.mp4", torch.get_num_threads()
    made(film, style, output, STYLED, stop=8)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    said = f"changed threads OMP_NUM_THREADS={threads} → OMP_NUM_THREADS={threads + 1}"
    with pytest.raises(OutputError, match=said):
        made(film, style, output, STYLED, resume=True)
    assert state_folder(output).exists()


def test_work_of_another_kind_of_cpu_is_not_mixed_in(film, style, tmp_path, monkeypatch):
    output = tmp_path / "out.mp4"
    made(film, style, output, STYLED, stop=8)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "NONE")
    with pytest.raises(OutputError, match=r"changed cpu .* → NONE"):
        made(film, style, output, STYLED, resume=True)


def test_work_on_a_range_is_not_taken_for_work_on_the_whole(film, style, tmp_path):
    output, span = tmp_path / "out.mkv", videostyle.Span(2, 13)
    made(film, style, output)
    made(film, style, output, span=span, into=True, stop=10)
    for words in ({"span": span}, {}):
        with pytest.raises(OutputError, match=r"begun otherwise: changed .*into;"):
            made(film, style, output, PLAIN.override(tv_weight=1), resume=True, **words)
    assert state_folder(output).exists()


def test_a_finished_film_that_another_job_makes_anew_is_left_to_that(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    made(film, style, output)
    with Journal(output, {}, resume=False) as at_work:
        with pytest.raises(OutputError, match="another videostyle"):
            made(film, style, output, resume=True)
        assert at_work.folder.is_dir()
        at_work.remove()


def test_a_film_says_nothing_of_the_machine_that_made_it(film, style, tmp_path):
    """So that `--config` repeats it on another one."""
    made(film, style, tmp_path / "out.mp4", PLAIN.override(device="cpu", workers=2))
    settings = read_made(read_comment(tmp_path / "out.mp4"), tmp_path / "out.mp4")
    assert {"device", "workers"}.isdisjoint(settings)
    assert settings["weights"] == "auto"


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


# --- OUTPUT appears during the job


def appearing(path):
    """Somebody writes that file while the job is at work."""

    def write(report):
        if not path.exists():
            path.write_bytes(b"somebody else's")

    return write


def test_a_film_that_appears_during_the_job_stays_and_the_work_is_kept(film, style, tmp_path):
    output = tmp_path / "out.mkv"
    with pytest.raises(AppearedError, match="stays as it is") as told:
        render(film, style, output, on_frame=appearing(output))
    assert "--resume" in " ".join(told.value.__notes__)
    assert output.read_bytes() == b"somebody else's"
    output.unlink()
    reports = []
    render(film, style, output, resume=True, on_frame=reports.append)
    assert reports == []
    assert len(media.shown(output)[0]) == 14
    assert not state_folder(output).exists()


def test_a_film_that_appears_during_the_job_is_replaced_where_that_was_said(film, style, tmp_path):
    output = tmp_path / "out.mkv"
    render(film, style, output, overwrite=True, on_frame=appearing(output))
    assert len(media.shown(output)[0]) == 14


def test_a_picture_that_appears_during_the_job_stays(style, tmp_path, monkeypatch):
    photo, output = media.write_picture(tmp_path / "photo.png"), tmp_path / "out.png"
    load = run_module.load_engines
    monkeypatch.setattr(run_module, "load_engines", lambda s: (appearing(output)(None), load(s))[1])
    with pytest.raises(AppearedError):
        made(photo, style, output, STYLED)
    assert output.read_bytes() == b"somebody else's"
    made(photo, style, output, STYLED, overwrite=True)
    assert output.read_bytes() != b"somebody else's"
    assert {p.name for p in tmp_path.iterdir()} == {"photo.png", "style.png", "out.png"}


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_numbered_picture_that_appears_during_the_job_stays(film, style, tmp_path, suffix):
    output, there = tmp_path / f"out.%02d.{suffix}", tmp_path / f"out.14.{suffix}"
    with pytest.raises(AppearedError):
        render(film, style, output, on_frame=appearing(there))
    assert there.read_bytes() == b"somebody else's"
    there.unlink()
    render(film, style, output, resume=True)
    assert len(list(tmp_path.glob("out.*"))) == 14


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize("name", ["out.mkv", "out.png"])
def test_a_pipe_is_no_output(style, tmp_path, name):
    photo = media.write_picture(tmp_path / "photo.png")
    os.mkfifo(tmp_path / name)
    for words in ({}, {"overwrite": True}):
        with pytest.raises(OutputError, match="pipe"):
            made(photo, style, tmp_path / name, **words)
    assert (tmp_path / name).is_fifo()


# --- small parts


def step(*, new_shot=False):
    pixels = np.zeros((1, 1, 3), np.uint8)
    plane = np.zeros((1, 1), np.float32)
    return TrackedFrame(Frame(pixels, 0, Fraction(1), 1, 0), None if new_shot else Motion(plane[..., None], plane))


def lengths_of(frames):
    return [segment.frames for segment in find_segments(frames, cuts=True, limits=SHORT)]


@pytest.mark.parametrize(
    ("shots", "lengths"), [([9], [4, 4, 1]), ([3, 6], [3, 4, 2]), ([1, 1, 1, 5], [2, 4, 2]), ([4, 4], [4, 4])]
)
def test_segments_end_at_cuts_and_at_a_length(shots, lengths):
    steps = [step(new_shot=n == 0) for shot in shots for n in range(shot)]
    assert lengths_of(steps) == lengths


def test_borders_are_the_same_from_any_border_on():
    steps = [step(new_shot=n in (0, 3, 4, 11, 12, 13, 20)) for n in range(30)]
    lengths = lengths_of(steps)
    for number in range(len(lengths)):
        rest = steps[sum(lengths[:number]) :]
        assert lengths_of(rest) == lengths[number:]
