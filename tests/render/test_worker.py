"""Workers: what they yield, what they leave, and how one wraps another."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.helpers import media
from tests.helpers.jobs import STYLED, planned
from videostyle.frames import Frame, TrackedFrame
from videostyle.journal.state import KeptFrame, SegmentState
from videostyle.render.finished import SegmentEnd, UntouchedFrame
from videostyle.render.insert import UnchangedFrame
from videostyle.render.states import segment_state, tensor_state
from videostyle.render.worker import PassThrough, make_workers
from videostyle.render.wrap import InsertWorker, SideBySideWorker
from videostyle.style.state import FrameState, State

CPU = torch.device("cpu")


def frames(count, kind=TrackedFrame):
    return [kind(Frame(media.texture(16, 12, n), n, Fraction(1, 24), 1, n), None) for n in range(count)]


class Negative:
    """A worker that leaves the mean of the last frame, and inverts every one."""

    def __init__(self):
        self.given = []

    def stylize(self, frames, state, *, opens_job=False):
        self.given.append((state, opens_job))
        for frame in frames:
            pixels = 255 - frame.frame.pixels
            yield UntouchedFrame(Frame(pixels, frame.frame.pts, frame.frame.time_base, 1, frame.frame.index))
        yield SegmentEnd(left(frame.frame.index))


def left(index):
    image = np.full((1, 3, 2, 2), index / 100, np.float32)
    return SegmentState(np.zeros((1, 3, 2, 2), np.uint16), index, {index: KeptFrame(image, image[:, :1])})


def test_frames_pass_through_as_they_are():
    *passed, end = PassThrough().stylize(frames(3), None)
    assert [item.frame.index for item in passed] == [0, 1, 2]
    assert all(item.frame is item.content and item.losses == {} for item in passed)
    assert end.state is None


def test_a_frame_beside_its_content():
    first, *_ = SideBySideWorker(PassThrough()).stylize(frames(1), None)
    np.testing.assert_array_equal(first.frame.pixels[:, :16], first.content.pixels)
    np.testing.assert_array_equal(first.frame.pixels[:, 16:], first.content.pixels)


def test_transparency_stands_side_by_side_as_well():
    alpha = np.arange(192, dtype=np.uint8).reshape(12, 16)
    content = TrackedFrame(Frame(media.texture(16, 12), 0, Fraction(1), 1, 0, alpha), None)
    first, _ = SideBySideWorker(PassThrough()).stylize([content], None)
    np.testing.assert_array_equal(first.frame.alpha, np.hstack([alpha, alpha]))


def test_unchanged_frames_go_round_the_worker_and_its_state_goes_on():
    mixed = [*frames(2, UnchangedFrame), *frames(4)[2:], *frames(6, UnchangedFrame)[4:]]
    inner, state = Negative(), left(9)
    *made, end = InsertWorker(inner).stylize(mixed, state, opens_job=True)
    assert [item.frame.index for item in made] == [0, 1, 2, 3, 4, 5]
    inverted = [bool((item.frame.pixels == 255 - media.texture(16, 12, n)).all()) for n, item in enumerate(made)]
    assert inverted == [False, False, True, True, False, False]
    assert inner.given == [(state, True)]
    assert end.state.previous == 3


def test_a_state_comes_back_from_plain_data_to_the_last_bit_of_the_last_frame():
    generator = torch.Generator().manual_seed(0)
    known = {n: FrameState(*(torch.rand(1, c, 5, 7, generator=generator) for c in (3, 1, 3))) for n in (4, 8)}
    state = State(torch.rand(1, 3, 5, 7, generator=generator), 8, known)
    found = tensor_state(segment_state(state), CPU)
    assert found.previous == 8
    assert torch.equal(found.known[8].image, known[8].image)
    assert torch.equal(found.known[8].confidence, known[8].confidence)
    assert torch.equal(found.known[8].content, known[8].content)
    torch.testing.assert_close(found.known[4].image, known[4].image, atol=1 / 65535, rtol=0)
    torch.testing.assert_close(found.opening, state.opening, atol=1 / 65535, rtol=0)
    assert tensor_state(segment_state(found), CPU).known[4].image.equal(found.known[4].image)


def test_without_a_network_as_many_workers_as_are_asked_for_pass_frames_through(clip, style, tmp_path):
    plain = planned(clip, style, tmp_path / "out.mkv")
    assert [type(worker) for worker in make_workers(plain, (), lambda cost: None, 3)] == [PassThrough] * 3
    beside = planned(clip, style, tmp_path / "out.mkv", side_by_side=True)
    assert isinstance(make_workers(beside, (), lambda cost: None)[0], SideBySideWorker)


@pytest.mark.parametrize(("opens_job", "written"), [(True, True), (False, False)])
def test_the_attention_map_is_of_the_first_frame_of_the_job(clip, style, tmp_path, opens_job, written):
    from videostyle.render.engine import load_engines

    path = tmp_path / "map.png"
    settings = STYLED.override(device="cpu", first_iterations=0, iterations=0, content_layers=("relu2_1",))
    plan = planned(clip, style, tmp_path / "out.mkv", settings.override(first_iterations=1), attention_map=path)
    (worker,) = make_workers(plan, load_engines(plan.settings), lambda cost: None)
    list(worker.stylize(frames(2), None, opens_job=opens_job))
    assert path.exists() == written
