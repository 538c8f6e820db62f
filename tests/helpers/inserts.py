"""Insert edits as the command makes them."""

from functools import partial

import videostyle
from tests.helpers import jobs
from tests.helpers.jobs import PLAIN, STYLED, StopError
from videostyle.plan.plan import SegmentLimits

SHALLOW = STYLED.override(codec="ffv1", content_layers=("relu2_1",))  # quick, and exact
RANGE = videostyle.Span(9, 14)
FOUR = SegmentLimits(4, 2)

render = partial(jobs.render, limits=SegmentLimits(6, 2))


def anew(film, style, output, settings=PLAIN, span=RANGE, **words):
    """Render a range of a finished output again."""
    return render(film, style, output, settings, span=span, into=True, **words)


def strike(stop):
    """Strikes a job when a frame of the source is finished."""

    def on_frame(report):
        if report.index == stop:
            raise StopError

    return on_frame
