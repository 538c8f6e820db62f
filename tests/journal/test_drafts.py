"""A kill costs at most the frame in work, and the film is the one that was never killed."""

from fractions import Fraction

import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.jobs import PLAIN, STYLED, Watch, made, names, packets, planned, render
from videostyle.errors import OutputError
from videostyle.frames import Frame
from videostyle.journal.drafts import Draft, DraftFolder, round_state
from videostyle.journal.folder import own_files, state_folder
from videostyle.journal.state import KeptFrame, SegmentState
from videostyle.plan.disk import _needed
from videostyle.plan.plan import SegmentLimits
from videostyle.render.run import run as run_plan

LONG, EIGHT = SegmentLimits(24, 8), SegmentLimits(8, 4)
TWO = STYLED.override(iterations=2, first_iterations=2)  # from one step on, moments count


@pytest.fixture
def film(tmp_path):
    """Fourteen frames of three shots, the second too short for a segment of its own, the third of the first's setup."""
    images = [*media.panning(12, 48, 32)[:6], *media.panning(3, 48, 32, seed=3), *media.panning(12, 48, 32)[5:10]]
    return media.write_clip(tmp_path / "film.mkv", images, sound=None)


def redone(film, style, output, settings=TWO, **words):
    """The frames that a job makes when it goes on, and what was counted first."""
    watch = Watch()
    run_plan(planned(film, style, output, settings, limits=LONG, resume=True, **words), watch)
    return [report.index for report in watch.reports], watch


VARIANTS = [
    ({}, ".mkv", {}),
    ({"color": "style"}, ".mp4", {}),
    ({"color": "content", "optimizer": "adam"}, ".mkv", {}),
    ({"independent": True}, ".mkv", {}),
    ({}, ".%02d.jpg", {}),
    ({}, ".mkv", {"side_by_side": True}),
]


@pytest.mark.parametrize(("settings", "suffix", "words"), VARIANTS)
def test_a_kill_costs_no_frame_that_was_finished(film, style, tmp_path, settings, suffix, words):
    settings = TWO.override(**settings)
    whole, output = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    made(film, style, whole, settings, limits=LONG, **words)
    begun = 0
    for stop in (3, 10):
        said = made(film, style, output, settings, stop=stop, limits=LONG, resume=True, **words)
        assert "finished frames are kept" in said
        begun = int(said.split()[0])
        assert begun > stop  # some more were on their way
    frames, watch = redone(film, style, output, settings, **words)
    assert frames == list(range(begun, 14))
    assert begun in watch.counted
    if "%" in suffix:
        for number in range(1, 15):
            first, second = (tmp_path / f"{name}{suffix % number}" for name in ("whole", "out"))
            assert first.read_bytes().replace(b"whole", b"out") == second.read_bytes().replace(b"whole", b"out")
    else:
        assert packets(output) == packets(whole)
    assert not state_folder(output).exists()


@pytest.mark.kills
def test_a_job_is_killed_after_every_frame(film, style, tmp_path):
    output = tmp_path / "out.mkv"
    made(film, style, tmp_path / "whole.mkv", TWO, limits=LONG)
    runs, made_before = 0, -1
    while isinstance(said := made(film, style, output, TWO, stop=made_before + 1, limits=LONG, resume=True), str):
        assert int(said.split()[0]) > made_before
        made_before, runs = max(made_before + 1, int(said.split()[0]) - 1), runs + 1
    assert runs > 2
    assert packets(output) == packets(tmp_path / "whole.mkv")


def test_work_on_several_segments_at_once_is_kept(film, style, tmp_path):
    settings = TWO.override(workers=2)
    made(film, style, tmp_path / "whole.mkv", TWO, limits=EIGHT)
    made(film, style, tmp_path / "out.mkv", settings, stop=4, limits=EIGHT)
    said = render(film, style, tmp_path / "out.mkv", TWO, limits=EIGHT, resume=True)
    assert said.frames == 14
    assert packets(tmp_path / "out.mkv") == packets(tmp_path / "whole.mkv")


def test_what_is_kept_of_a_segment_goes_when_its_packets_are_complete(film, style, tmp_path):
    output = tmp_path / "out.mkv"
    seen = []

    def look(report):
        seen.append({path.name for path in own_files(state_folder(output))})

    render(film, style, output, TWO, limits=EIGHT, on_frame=look)
    assert any(name.endswith(".carry") for name in seen[3])
    assert max(sum(name.endswith(".frame") for name in there) for there in seen) <= 8 + 5  # and what is on its way
    assert not any(name.startswith("000000.0") for name in seen[-1])
    carried = max(sum(name.endswith(".carry") for name in there) for there in seen)
    assert carried <= 2 * (1 + 4 + 1 + 1)


@pytest.mark.parametrize(("kind", "harm"), [("draft", "cut"), ("frame", "flip"), ("carry", "gone")])
def test_torn_frames_are_made_again(film, style, tmp_path, kind, harm, caplog):
    output = tmp_path / "out.mkv"
    made(film, style, tmp_path / "whole.mkv", TWO, limits=LONG)
    made(film, style, output, TWO, stop=5, limits=LONG)
    path = max(state_folder(output).glob(f"*.{kind}"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.unlink() if harm == "gone" else path.write_bytes(content[: len(content) // 2] if harm == "cut" else content)
    frames, _ = redone(film, style, output)
    assert frames[0] == 0
    assert packets(output) == packets(tmp_path / "whole.mkv")


def test_frames_alone_are_work_that_is_not_thrown_away(film, style, tmp_path):
    output = tmp_path / "out.mkv"
    made(film, style, output, TWO, stop=2, limits=LONG)
    assert not list(state_folder(output).glob("*.packets.json"))
    with pytest.raises(OutputError, match="--resume goes on"):
        made(film, style, output, TWO, limits=LONG)
    with pytest.raises(OutputError, match="iterations 2 → 3"):
        made(film, style, output, TWO.override(iterations=3), limits=LONG, resume=True)
    assert made(film, style, output, TWO, limits=LONG, overwrite=True).frames == 14
    assert not state_folder(output).exists()


def test_room_for_the_frames_of_a_segment_is_asked_for(film, style, tmp_path):
    styled, plain = (_needed(planned(film, style, tmp_path / "out.mkv", s, limits=LONG)) for s in (TWO, PLAIN))
    assert styled - plain >= 48 * 32 * (14 * 3 + 100)


# --- small parts


def kept(value, shape=(1, 3, 2, 2)):
    return KeptFrame(np.full(shape, value, np.float32), np.full((1, 1, 2, 2), value, np.float32))


def a_frame(index, alpha=None):
    pixels = np.full((2, 2, 3), index, np.uint16)
    return Frame(pixels, 40 * index, Fraction(1, 1000), 40, index, alpha)


def test_frames_and_what_the_last_one_leaves_come_back_to_the_bit(tmp_path):
    folder, start = DraftFolder(tmp_path, 3, "job"), SegmentState(np.zeros((1, 3, 2, 2), np.uint16), 6, {6: kept(0.3)})
    opening = np.full((1, 3, 2, 2), 1 / 3, np.float32)
    first = folder.add(
        Draft(), a_frame(7, np.ones((2, 2), np.uint16)), SegmentState(opening, 7, {6: kept(0.3), 7: kept(0.7)}), start
    )
    folder.add(first, a_frame(8), SegmentState(opening, 8, {6: kept(0.3), 8: kept(0.8)}), start)
    draft = folder.read()
    assert [frame.index for frame in folder.frames(draft)] == [7, 8]
    (one, other) = folder.frames(draft)
    assert (one.pts, one.time_base, one.duration, one.pixels.dtype) == (280, Fraction(1, 1000), 40, np.uint16)
    assert one.alpha is not None
    assert other.alpha is None
    state = folder.state(draft, start)
    assert (state.previous, list(state.frames)) == (8, [6, 8])
    assert state.frames[8].image[0, 0, 0, 0] == np.float32(0.8)
    np.testing.assert_array_equal(state.opening, opening)
    assert not list(tmp_path.glob("*.000007.carry"))  # which nothing recalls any more
    assert folder.files() == set(tmp_path.iterdir())
    assert DraftFolder(tmp_path, 3, "another job").read() == Draft()
    folder.remove()
    assert names(tmp_path) == []


def test_a_segment_that_was_finished_but_not_encoded_leaves_what_it_would_have(tmp_path):
    exact = SegmentState(np.full((1, 3, 2, 2), 0.5, np.float32), 8, {6: kept(0.3), 8: kept(0.8)})
    rounded = round_state(exact)
    assert rounded.opening.dtype == rounded.frames[6].image.dtype == np.uint16
    assert rounded.frames[8].image.dtype == np.float32
    assert round_state(None) is None
