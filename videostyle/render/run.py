"""Run a plan: load networks, render what is not finished, and bring the result to its place."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from threading import Lock

from videostyle import interrupt
from videostyle.errors import DivergedError, UnreadableError, VideostyleError, as_media_errors
from videostyle.frames import Span, TrackedFrame
from videostyle.journal.journal import Journal, discard
from videostyle.media.content import StillContent
from videostyle.media.image import still
from videostyle.plan.batch import Batch, make_folder
from videostyle.plan.films import Films
from videostyle.plan.identity import provenance_of
from videostyle.plan.plan import Plan
from videostyle.plan.planner import make_plan
from videostyle.plan.resume import is_finished
from videostyle.render.engine import AnyEngine, Engine, engine_facts, load_engines, load_look
from videostyle.render.estimate import estimate_seconds, note_rate
from videostyle.render.finished import SegmentEnd
from videostyle.render.local import Job, render_locally
from videostyle.render.outputs import Output, output_of
from videostyle.render.progress import FrameReport, Progress, Summary
from videostyle.render.steps import with_regions
from videostyle.render.threads import Cancellation, cancel_scope, prefetch
from videostyle.render.timing import StageTimer, summed
from videostyle.render.worker import make_workers
from videostyle.settings import Settings

Load = Callable[[Settings], Sequence[Engine]]

log = logging.getLogger(__name__)


def run(plan: Plan, progress: Progress | None = None, load: Load | None = None) -> Summary:
    """Do what a plan says.

    Args:
        plan: From `make_plan`.
        progress: Hears of the work.
        load: Loads the network; `load_engines` by default.

    Raises:
        VideostyleError: The work broke off; finished segments are kept beside the output for `--resume`.

    """
    progress = progress or Progress()
    if is_finished(plan):
        log.info("%s is finished already", plan.output)
        discard(plan.output)
        summary = Summary(plan.output, plan.frames or 0, 0.0, plan.written_size, "none")
        progress.on_done(summary)
        return summary
    return _run(plan, engines_of(plan, load), progress)


def engines_of(plan: Plan, load: Load | None = None) -> Sequence[AnyEngine]:
    """Load what a plan works with: a look file, VGG19, or nothing where pixels pass through."""
    if plan.request.network is not None:
        return load_look(plan.settings, plan.request.network)
    return () if plan.is_passthrough else (load or load_engines)(plan.settings)


def run_films(films: Films, progress: Callable[[], Progress]) -> Iterator[Summary]:
    """Make films one after another with one network; say of one that fails why, and go on with the next.

    Args:
        films: From `plan_films`.
        progress: Makes what hears of a film.

    Raises:
        OutputError: The directory cannot be made.

    """
    make_folder(films.folder)
    load = cache(load_engines)
    for request in films.requests:
        interrupt.check()
        try:
            yield run(make_plan(request), progress(), load)
        except VideostyleError as error:
            log.error(
                "%s", "; ".join([f"{request.output.name} is left out: {error}", *getattr(error, "__notes__", [])])
            )


def run_batch(batch: Batch, progress: Progress | None = None) -> Iterator[Summary]:
    """Make the images of a batch one by one with one network; skip with a warning what cannot be made.

    Args:
        batch: From `make_batch`; what is finished is no part of its plans.
        progress: Hears of the work.

    Raises:
        OutputError: The directory cannot be made, or a file cannot be written there.

    """
    progress = progress or Progress()
    engines = () if batch.is_passthrough else load_engines(batch.settings)
    make_folder(batch.folder)
    progress.on_batch(batch)
    for plan in batch.plans:
        interrupt.check()
        try:
            yield _run(plan, engines, progress)
        except (UnreadableError, DivergedError) as error:
            log.warning("%s is left out: %s", plan.output.name, error)
    progress.on_batch_done()


def _run(plan: Plan, engines: Sequence[AnyEngine], progress: Progress) -> Summary:
    progress.on_start(plan, estimate_seconds(plan, engines))
    began = time.monotonic()
    weights, timers = engines[0].weights if engines else "none", list[StageTimer]()
    request = plan.request
    provenance = provenance_of(plan.job, weights, request, plan.shown_size)
    if isinstance(plan.content, StillContent):
        frames = _run_still(plan, engines, provenance, progress)
    else:
        frames = _run_segments(plan, engines, output_of(plan, provenance), timers, progress)
    seconds = time.monotonic() - began
    summary = Summary(plan.output, frames, seconds, plan.written_size, weights, summed(timers))
    progress.on_done(summary)
    return summary


def _run_segments(
    plan: Plan, engines: Sequence[AnyEngine], output: Output, timers: list[StageTimer], progress: Progress
) -> int:
    facts = plan.facts | engine_facts(engines)
    with (
        Journal(output.path, facts, resume=plan.request.resume, is_intact=output.is_intact) as journal,
        as_media_errors(),
    ):
        if kept := journal.kept_frames:
            log.info("resumed at frame %d of %s", kept, "?" if plan.frames is None else max(plan.frames, kept))
            progress.on_resume(kept)
        if not journal.complete:
            with cancel_scope() as cancellation:
                meter = _WorkMeter(progress, cancellation)
                workers = make_workers(plan, engines, meter, _count(plan, engines))
                job = Job(plan, output, journal, timers, cancellation)
                for report in render_locally(job, workers, progress):
                    progress.on_frame(report)
            if meter.total and isinstance(engines[0], Engine):
                rate = summed(timers)["optimize"] / meter.total / (plan.size[0] * plan.size[1])
                note_rate(engines[0], rate)
        timers.append(StageTimer())
        with timers[-1].timing("finish"):
            output.finish(journal)
        return journal.frames


def _count(plan: Plan, engines: Sequence[AnyEngine]) -> int:
    """How many workers: an insert edit is one chain of segments."""
    return 1 if plan.insert else plan.settings.workers or max(1, len(engines))


class _WorkMeter:
    """Tells `progress` of steps, one thread at a time, and adds them up; a cancelled thread ends at its next step."""

    def __init__(self, progress: Progress, cancellation: Cancellation) -> None:
        self.total = 0.0  # steps at full size
        self._progress, self._cancellation, self._lock = progress, cancellation, Lock()

    def __call__(self, cost: float) -> None:
        self._cancellation.check()
        with self._lock:
            self.total += cost
            self._progress.on_work(cost)


def _run_still(plan: Plan, engines: Sequence[AnyEngine], provenance: str, progress: Progress) -> int:
    began = time.monotonic()
    (frame,) = plan.content.read_frames(plan.size, Span())
    frames = with_regions([TrackedFrame(frame, None)], plan.settings.content_masks, plan.size, Span())
    with cancel_scope() as cancellation:
        (worker,) = make_workers(plan, engines, _WorkMeter(progress, cancellation))
        stylized = prefetch(worker.stylize(frames, None, opens_job=True), cancellation)
        (made,) = (item for item in stylized if not isinstance(item, SegmentEnd))
    tags, pixels, alpha = still.read_tags(plan.content.path), made.frame.pixels, made.frame.alpha
    still.write_still(plan.output, pixels, provenance, alpha, tags=tags, replace=plan.request.overwrite)
    progress.on_frame(FrameReport(0, time.monotonic() - began, made.losses))
    return 1
