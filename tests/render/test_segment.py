"""A segment is a value: whoever renders it, wherever, gets the same bytes."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.jobs import STYLED, made, planned
from tests.helpers.jobs import packets as packets_of
from videostyle.journal.journal import Journal
from videostyle.render.engine import engine_facts, load_engines
from videostyle.render.outputs import output_of
from videostyle.render.schedule import Schedule
from videostyle.render.segment import SegmentTask, render_segment
from videostyle.render.steps import FrameReader, segments_of
from videostyle.render.threads import cancel_scope
from videostyle.render.timing import StageTimer
from videostyle.render.worker import make_workers

ELSEWHERE = """
import pickle, sys
from pathlib import Path
from videostyle.render.engine import load_engines
from videostyle.render.outputs import output_of
from videostyle.render.segment import render_segment
from videostyle.render.steps import FrameReader
from videostyle.render.threads import cancel_scope
from videostyle.render.timing import StageTimer
from videostyle.render.worker import make_workers

task = pickle.loads(Path(sys.argv[1]).read_bytes())
engines = () if task.plan.is_passthrough else load_engines(task.plan.settings)
with cancel_scope() as cancellation:
    (worker,) = make_workers(task.plan, engines, lambda cost: None)
    reader = FrameReader(task.plan, StageTimer(), cancellation)
    result = render_segment(task, worker, reader, output_of(task.plan, ""))
    reader.close()
Path(sys.argv[2]).write_bytes(pickle.dumps(result))
"""


@pytest.fixture
def film(tmp_path):
    """A setup, another one, and the first again."""
    warm, cold = media.panning(9), [255 - image for image in media.panning(6, seed=3)]
    return media.write_clip(tmp_path / "film.mkv", [*warm[:5], *cold, *warm[5:]], sound=None)


def rendered_elsewhere(task, folder):
    """The result of a task, and its packets, in a fresh interpreter."""
    task = replace(task, packets=folder / "elsewhere.packets")
    (folder / "task").write_bytes(pickle.dumps(task))
    words = [sys.executable, "-c", ELSEWHERE, folder / "task", folder / "result"]
    subprocess.run(list(map(str, words)), check=True)
    return pickle.loads((folder / "result").read_bytes()), task.packets.read_bytes()


def test_a_segment_rendered_in_a_fresh_process_has_the_same_bytes(film, style, tmp_path):
    plan, compared = planned(film, style, tmp_path / "out.mkv", STYLED.override(device="cpu")), []
    engines = load_engines(plan.settings)
    output = output_of(plan, "")
    with Journal(plan.output, plan.facts | engine_facts(engines), resume=False) as journal, cancel_scope() as scope:
        (worker,), reader = make_workers(plan, engines, lambda cost: None), FrameReader(plan, StageTimer(), scope)
        schedule = Schedule(segments_of(plan, StageTimer()), journal, scope)
        while (found := schedule.take()) is not None:
            task = SegmentTask(plan, *found, journal.draft(found[0].number))
            result = render_segment(task, worker, reader, output)
            if task.segment.continues or task.segment.references:
                there, packets = rendered_elsewhere(task, tmp_path)
                assert packets == task.packets.read_bytes()
                assert_same_state(there.state, result.state)
                compared.append(task.segment.number)
            schedule.leave(task.segment, result.state)
            journal.publish(task.segment.number, result.frames, result.state, schedule.is_obsolete)
            schedule.published(task.segment.number)
        reader.close()
        output.finish(journal)
    made(film, style, tmp_path / "whole.mkv", STYLED.override(device="cpu"))
    assert [p[1:] for p in packets_of(tmp_path / "out.mkv")] == [p[1:] for p in packets_of(tmp_path / "whole.mkv")]
    assert len(compared) == 3


def assert_same_state(one, other):
    assert one.previous == other.previous
    np.testing.assert_array_equal(one.opening, other.opening)
    assert list(one.frames) == list(other.frames)
    for index, frame in one.frames.items():
        np.testing.assert_array_equal(frame.image, other.frames[index].image)
        np.testing.assert_array_equal(frame.confidence, other.frames[index].confidence)


def test_frames_are_read_on_where_the_last_segment_ended_and_again_from_before(film, style, tmp_path):
    plan = planned(film, style, tmp_path / "out.mkv", STYLED)
    segments = list(segments_of(plan, StageTimer()))
    with cancel_scope() as scope:
        reader = FrameReader(plan, StageTimer(), scope)
        for number in (0, 2, 1, 3):
            read = list(reader.read(segments[number]))
            assert [frame.frame.index for frame in read] == list(range(segments[number].start, segments[number].stop))
        reader.close()
