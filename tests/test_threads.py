"""Threads that work ahead: in order, not too far, and ended together."""

import threading
import time
from contextlib import closing

import pytest

from videostyle import interrupt
from videostyle.render.threads import NAME, CancelledError, cancel_scope, merged, prefetch


def ours():
    return [thread for thread in threading.enumerate() if thread.name == NAME]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    wait_until(lambda: not ours())


def wait_until(true):
    until = time.monotonic() + 2
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def endless(closed=None):
    try:
        while True:
            yield 1
    finally:
        if closed is not None:
            closed.append(True)


def test_items_come_in_order():
    with cancel_scope() as stop:
        assert list(prefetch(range(100), stop)) == list(range(100))


def test_a_thread_is_never_further_ahead_than_it_may():
    made = []
    with cancel_scope() as stop, closing(prefetch((made.append(n) or n for n in range(100)), stop, 3)) as items:
        assert next(items) == 0
        time.sleep(0.3)
        assert len(made) <= 5


def test_closing_stops_the_thread_and_closes_its_source():
    closed = []
    with cancel_scope() as stop, closing(prefetch(endless(closed), stop)) as items:
        assert next(items) == 1
    assert closed == [True]


def test_an_error_is_raised_at_once_though_the_queue_is_full_and_the_reader_slow():
    def broken():
        yield 1
        yield 2
        time.sleep(0.05)
        raise ValueError("here")

    found = []
    with pytest.raises(ValueError, match="here"):
        read_slowly(broken(), found)
    assert found == [1]


def read_slowly(items, found):
    with cancel_scope() as stop, closing(prefetch(items, stop)) as ready:
        for item in ready:
            found.append(item)
            time.sleep(0.1)


def test_the_first_cause_is_raised_and_ends_every_stage():
    closed = []

    def slowly(items):
        for item in items:
            time.sleep(0.2)
            yield item

    def failing(items):
        yield next(items)
        raise OSError("no room")

    def line():
        with cancel_scope() as stop:
            ahead = prefetch(endless(closed), stop)
            made = prefetch(slowly(ahead), stop)
            return list(merged([failing(made), endless(closed), slowly(endless())], stop))

    with pytest.raises(OSError, match="no room"):
        line()
    wait_until(lambda: closed == [True, True])


def test_an_error_between_two_threads_is_the_cause_and_not_the_closing_of_the_first():
    def between(stop):
        with closing(prefetch(endless(), stop)) as items:
            for item in items:
                yield item
                raise OSError("full")

    for _ in range(5):
        with pytest.raises(OSError, match="full"), cancel_scope() as stop:
            list(prefetch(between(stop), stop))


def test_streams_side_by_side_keep_each_its_order():
    with cancel_scope() as stop:
        found = list(merged([zip([k] * 50, range(50), strict=True) for k in range(3)], stop, 2))
    assert len(found) == 150
    assert all([n for k, n in found if k == kind] == list(range(50)) for kind in range(3))


def test_what_the_reader_raises_ends_the_threads_and_is_raised():
    def interrupted():
        with cancel_scope() as stop, closing(prefetch(endless(), stop)) as items:
            next(items)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_a_signal_that_the_thread_of_a_part_hears_ends_the_whole():
    def whole():
        with cancel_scope() as stop:
            part = stop.child()
            interrupt.request(15)
            with pytest.raises(interrupt.Interrupted):
                part.check()
            stop.check()

    with pytest.raises(interrupt.Interrupted):
        whole()


def test_a_thread_in_a_long_call_is_not_waited_for():
    went_on = threading.Event()

    def stuck():
        yield 1
        went_on.wait(5)
        yield 2

    began = time.monotonic()
    with cancel_scope() as stop, closing(prefetch(stuck(), stop)) as items:
        next(items)
    assert time.monotonic() - began < 2
    went_on.set()


def test_work_may_look_whether_it_is_to_end():
    with cancel_scope() as stop:
        stop.check()
        stop.cancel(ValueError("first"))
        stop.cancel(ValueError("second"))
        with pytest.raises(CancelledError):
            stop.check()
        assert str(stop.cause()) == "first"
