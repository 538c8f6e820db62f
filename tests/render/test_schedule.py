"""Which segment comes next, and what it starts from."""

from threading import Event, Thread

import numpy as np
import pytest

from videostyle.journal.journal import Journal
from videostyle.journal.state import KeptFrame, SegmentState
from videostyle.render.borders import Segment
from videostyle.render.schedule import Schedule
from videostyle.render.threads import cancel_scope

# two segments of one shot group, one of another, and one that returns to the first group's last frame
SEGMENTS = [
    Segment(0, 0, 0, 4, 100),
    Segment(1, 0, 4, 4, 104),
    Segment(2, 2, 8, 4, 108),
    Segment(3, 3, 12, 4, 112, references=(107,)),
]


def state(index):
    """What a segment leaves whose last frame has this index."""
    image = np.full((1, 3, 2, 2), index / 200, np.float32)
    return SegmentState(np.zeros((1, 3, 2, 2), np.uint16), index, {index: KeptFrame(image, image[:, :1])})


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "out.mkv", {"a": "b"}, resume=False) as journal:
        yield journal
        journal.remove()


def finish(journal, schedule, segment):
    """Render a segment, as far as the schedule cares."""
    left = state(segment.index + segment.frames - 1)
    schedule.leave(segment, left)
    journal.draft(segment.number).write_bytes(b"packets")
    journal.publish(segment.number, segment.frames, left, schedule.is_obsolete)
    schedule.published(segment.number)


def test_segments_that_need_nothing_come_at_once_and_others_when_their_needs_are_there(journal):
    with cancel_scope() as scope:
        schedule = Schedule(iter(SEGMENTS), journal, scope)
        first, start = schedule.take()
        assert (first.number, start) == (0, None)
        other, start = schedule.take()
        assert (other.number, start) == (2, None)
        schedule.leave(first, state(103))  # before its packets are complete
        second, start = schedule.take()
        assert (second.number, start.previous) == (1, 103)
        finish(journal, schedule, first)
        finish(journal, schedule, other)
        finish(journal, schedule, second)
        last, start = schedule.take()
        assert (last.number, list(start.frames)) == (3, [107])
        assert start.frames[107].image.dtype == np.uint16  # recalled, not followed
        finish(journal, schedule, last)
        assert schedule.take() is None


def test_nobody_waits_for_one_who_looks_for_work_in_a_long_shot(journal):
    """The source yields the second segment only when the first is rendered: another worker looks for it meanwhile."""
    rendered, looking = Event(), Event()

    def source():
        yield SEGMENTS[0]
        looking.set()
        assert rendered.wait(10)
        yield SEGMENTS[1]

    with cancel_scope() as scope:
        schedule = Schedule(source(), journal, scope)
        first, _ = schedule.take()
        found = []
        other = Thread(target=lambda: found.append(schedule.take()))
        other.start()
        assert looking.wait(10)
        finish(journal, schedule, first)
        rendered.set()
        other.join(10)
        assert found[0][0].number == 1


def test_a_lost_state_is_rendered_again_with_all_that_it_needs(journal):
    with cancel_scope() as scope:
        schedule = Schedule(iter(SEGMENTS), journal, scope)
        for _ in range(3):
            finish(journal, schedule, schedule.take()[0])
        for path in journal.folder.glob("*.state"):
            path.unlink()
        again = []
        while (found := schedule.take()) is not None:
            again.append(found[0].number)
            finish(journal, schedule, found[0])
    assert again == [0, 1, 3]


def test_what_is_finished_is_not_handed_out(journal):
    with cancel_scope() as scope:
        schedule = Schedule(iter(SEGMENTS), journal, scope)
        finish(journal, schedule, schedule.take()[0])
        again = Schedule(iter(SEGMENTS), journal, scope)
        assert again.take()[0].number == 1
