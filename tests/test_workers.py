"""Several shots at once: the film is the one that is made shot by shot."""

import signal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from cv2 import imwrite

import videostyle
from tests.helpers import corpus, media
from tests.helpers.jobs import SHORT, STYLED, made, packets, render
from tests.test_kills import LONG, job, wait_for
from videostyle.errors import SettingError
from videostyle.frames import Frame, Motion, Reference, TrackedFrame
from videostyle.journal.folder import state_folder
from videostyle.plan.options import check_engine
from videostyle.plan.plan import SegmentLimits
from videostyle.render.borders import find_segments
from videostyle.render.schedule import is_obsolete
from videostyle.style.device import choose_devices

AT_ONCE = STYLED.override(workers=3)


@pytest.fixture
def film(tmp_path):
    """Seven shots of three setups, each of which comes back."""
    warm, cold = media.panning(16), [255 - image for image in media.panning(12, seed=3)]
    green = [image[..., [1, 0, 2]].copy() for image in media.panning(5, seed=9)]
    shots = [warm[:7], cold[:6], warm[7:9], green, warm[9:12], cold[6:9], warm[12:]]
    return media.write_clip(tmp_path / "film.mkv", [image for shot in shots for image in shot])


@pytest.mark.parametrize(
    ("changes", "shortest"),
    [
        ({}, 2),
        ({}, 4),
        ({"color": "style"}, 2),
        ({"independent": True}, 2),
        ({"passes": 2}, 2),
        ({"iterations": 0, "first_iterations": 0}, 2),
    ],
)
def test_shots_at_once_are_the_shots_one_after_another(film, style, tmp_path, changes, shortest):
    limits = SegmentLimits(4, shortest)
    for workers in (1, 3):
        made(film, style, tmp_path / f"{workers}.mkv", STYLED.override(workers=workers, **changes), limits=limits)
    assert packets(tmp_path / "3.mkv") == packets(tmp_path / "1.mkv")
    assert not state_folder(tmp_path / "3.mkv").exists()


def test_masks_and_numbered_pictures_go_with_their_frames(film, style, tmp_path):
    mask = media.write_clip(tmp_path / "mask.mkv", [media.texture(64, 48, seed) for seed in range(30)], codec="ffv1")
    other = media.write_picture(tmp_path / "other.png", seed=4)
    settings = STYLED.override(content_masks=(str(mask), str(mask)))
    for workers in (1, 3):
        (tmp_path / str(workers)).mkdir()
        output = tmp_path / str(workers) / "%d.png"
        made(film, [style, other], output, settings.override(workers=workers), span=videostyle.Span(3, 29))
    one, three = ({p.name: p.read_bytes() for p in (tmp_path / folder).iterdir()} for folder in "13")
    assert len(one) == 26
    assert set(one) == set(three)
    assert all(pixels(tmp_path / "1" / name) == pixels(tmp_path / "3" / name) for name in one)


def test_shots_at_once_keep_uneven_times(style, tmp_path):
    images = [*media.panning(6), *media.panning(6, seed=3), *media.panning(6, seed=9)]
    pts = [0, 40, 41, 90, 200, 210, 260, 300, 301, 302, 500, 540, 580, 700, 1900, 1950, 1960, 2000]
    film = media.write_clip(tmp_path / "film.mkv", images, pts=pts, time_base=Fraction(1, 1000), sound=None)
    for workers in (1, 3):
        made(film, style, tmp_path / f"{workers}.mp4", STYLED.override(workers=workers))
    assert packets(tmp_path / "3.mp4") == packets(tmp_path / "1.mp4")
    assert [round(time * 1000) for time in media.shown(tmp_path / "3.mp4")[1]] == pts


def pixels(path):
    return media.shown(path)[0][0].tobytes()


@pytest.mark.parametrize("workers", [(3, 3), (3, 1), (1, 3)])
def test_a_film_stopped_in_several_places_at_once_is_the_film_that_was_not(film, style, tmp_path, workers):
    whole, output = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    made(film, style, whole, STYLED)
    before, after = (STYLED.override(workers=count) for count in workers)
    for stop in (10, 24):
        struck = isinstance(made(film, style, output, before, stop=stop, resume=True), str)
        assert output.exists() != struck
        if not struck:  # the other workers had finished that frame before the first strike
            output.unlink()
    made(film, style, output, after, resume=True)
    assert packets(output) == packets(whole)
    assert not state_folder(output).exists()


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-9])])
def test_what_was_lost_is_made_again(film, style, tmp_path, harm):
    whole, output = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    made(film, style, whole, STYLED)
    for number in (0, 2):
        made(film, style, output, AT_ONCE, stop=24, overwrite=True)
        harmed = sorted(state_folder(output).glob("*.state"))[number:]
        assert harmed
        for path in harmed:
            harm(path)
        made(film, style, output, AT_ONCE, resume=True)
        assert packets(output) == packets(whole)
        output.unlink()


def test_a_damaged_segment_in_the_middle_costs_that_segment(film, style, tmp_path):
    whole, output = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    made(film, style, whole, STYLED)
    made(film, style, output, AT_ONCE, stop=26)
    kept = {int(path.stem) for path in state_folder(output).glob("*.packets")}
    (state_folder(output) / "000001.packets").write_bytes(b"torn")
    reports = []
    render(film, style, output, AT_ONCE, resume=True, on_frame=reports.append)
    assert 1 in kept
    assert {4, 5, 6} <= {report.index for report in reports}
    assert {0, 1, 2, 3}.isdisjoint(report.index for report in reports)
    assert packets(output) == packets(whole)


def test_a_kill_leaves_what_is_needed_to_go_on(style, tmp_path):
    cold = [255 - image for image in media.panning(30, seed=3)]
    film = media.write_clip(tmp_path / "film.mkv", [*cold, *media.panning(40)])
    _, said = (whole := job(film, style, tmp_path / "whole.mkv", *LONG)).communicate()
    assert whole.returncode == 0, said
    running = job(film, style, tmp_path / "out.mkv", *LONG, "--workers", "3")
    wait_for(tmp_path / ".out.mkv.videostyle" / "000002.json")
    running.send_signal(signal.SIGKILL)
    running.communicate()
    _, said = (again := job(film, style, tmp_path / "out.mkv", *LONG, "--workers", "3")).communicate()
    assert again.returncode == 0, said
    assert "resumed at frame" in said
    assert packets(tmp_path / "out.mkv") == packets(tmp_path / "whole.mkv")


def test_what_is_wrong_with_a_film_is_told_once(style, tmp_path, caplog):
    film = corpus.interlaced(tmp_path / "film.ts")
    made(film, style, tmp_path / "out.mkv", AT_ONCE.override(iterations=0, first_iterations=0))
    assert sum("interlaced" in record.getMessage() for record in caplog.records) == 1


def test_what_is_wrong_with_a_mask_is_told_once(film, style, tmp_path, caplog):
    mask = corpus.interlaced(tmp_path / "mask.ts")
    settings = AT_ONCE.override(iterations=0, first_iterations=0, content_masks=(str(mask),))
    made(film, style, tmp_path / "out.mkv", settings)
    assert sum("interlaced" in record.getMessage() for record in caplog.records) == 1


def test_what_is_wrong_with_a_style_is_told_once(film, tmp_path, caplog):
    holed = np.full((48, 64, 4), 128, np.uint8)
    holed[:9, :, 3] = 0
    imwrite(str(tmp_path / "holed.png"), holed)
    made(film, tmp_path / "holed.png", tmp_path / "out.mkv", AT_ONCE, span=videostyle.Span(0, 9))
    assert sum("partly transparent" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.gpu
def test_shots_at_once_on_a_gpu_are_the_shots_one_after_another(film, style, tmp_path):
    for workers in (1, 3):
        made(film, style, tmp_path / f"{workers}.mkv", STYLED.override(device="cuda", workers=workers))
    assert packets(tmp_path / "3.mkv") == packets(tmp_path / "1.mkv")


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one device")
def test_two_gpus_make_the_film_of_one(film, style, tmp_path):
    for name in ("cuda:0", "cuda:0,cuda:1"):
        made(film, style, tmp_path / f"{len(name)}.mkv", STYLED.override(device=name))
    assert packets(tmp_path / "13.mkv") == packets(tmp_path / "6.mkv")


# --- small parts


def step(place, *, references=None):
    """A frame that follows; or one that opens a shot and recalls frames at these places."""
    frame = Frame(np.zeros((1, 1, 3), np.uint8), place, Fraction(1), 1, place)
    motion = Motion(np.zeros((1, 1, 2), np.float32), np.zeros((1, 1), np.float32))
    if references is None:
        return TrackedFrame(frame, motion)
    return TrackedFrame(frame, None, tuple(Reference(at, motion) for at in references))


def shots(**opens):
    """Steps 100, 101 ...; `opens` says after how many a shot opens, and what it recalls."""
    at = {int(name[1:]): references for name, references in opens.items()}
    return [step(100 + n, references=at.get(n)) for n in range(max(at) + 3)]


def found(frames, *, cuts=True):
    return find_segments(frames, cuts=cuts, limits=SHORT)


def test_a_shot_group_is_what_lies_between_cuts_that_end_segments():
    segments = list(found(shots(_0=[], _6=[], _7=[105], _10=[105, 109])))
    assert [s.group for s in segments] == [0, 0, 2, 3]
    assert [list(range(s.start, s.stop)) for s in segments] == [[0, 1, 2, 3], [4, 5], [6, 7, 8, 9], [10, 11, 12]]
    assert [s.index for s in segments if not s.continues] == [100, 106, 110]
    assert [list(s.references) for s in segments] == [[], [], [105], [105, 109]]


def test_frames_that_stand_alone_are_segments_that_need_nobody():
    segments = list(found([step(n, references=[]) for n in range(9)], cuts=False))
    assert [list(range(s.start, s.stop)) for s in segments] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert not any(s.references or s.continues for s in segments)


def test_segments_are_found_before_the_film_is_over():
    def endless():
        yield from shots(_0=[], _6=[], _10=[])
        raise AssertionError("read too far")

    segments = found(endless())
    assert [next(segments).start for _ in range(3)] == [0, 4, 6]


def test_a_state_is_needed_by_its_own_group_and_by_four_shots_after_it():
    done, ends = set(range(8)), [3, 4, 5, 6, 7, 9, 12]
    assert [n for n in range(13) if is_obsolete(n, 13, ends, done.__contains__)] == [0, 1, 2, 3]
    done |= {8, 9}
    assert [n for n in range(13) if is_obsolete(n, 13, ends, done.__contains__)] == [0, 1, 2, 3, 4]
    assert not is_obsolete(0, 4, [3], {0}.__contains__)
    assert is_obsolete(0, 4, [3], {0, 1, 2}.__contains__)
    assert is_obsolete(0, 3, [], {0, 1, 2}.__contains__)  # of a group that is not over
    assert not is_obsolete(0, 1, [], {0, 1, 2}.__contains__)  # others may be of another group


@pytest.mark.parametrize("name", ["cuda:0,cuda:1", "cuda,cuda:1", "cuda:3"])
def test_several_devices_may_be_named(name):
    check_engine(videostyle.Settings(device=name))


@pytest.mark.parametrize("name", ["cuda:0,", "cpu;cpu", "cuda:0,tpu", "cuda:"])
def test_what_names_no_devices_is_refused(name):
    with pytest.raises(SettingError, match="cuda:0,cuda:1"):
        check_engine(videostyle.Settings(device=name))


def test_each_device_has_to_be_there():
    assert choose_devices("cpu") == [torch.device("cpu")]
    with pytest.raises(SettingError, match="CUDA devices here"):
        choose_devices(f"cpu,cuda:{torch.cuda.device_count()}")
