"""A planned job, run."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from threading import Lock

from videostyle.errors import DivergedError, UnreadableError, as_media_errors
from videostyle.frames import Span, TrackedFrame
from videostyle.media.clip import Clip
from videostyle.media.image import still
from videostyle.render.batch import Batch
from videostyle.render.engine import Engine, OnWork, engine_facts, hands_of, load_engines
from videostyle.render.facts import PLACE, plan_facts
from videostyle.render.film import FrameReport, Job, OnFrame, in_regions, render
from videostyle.render.journal import Journal, discard
from videostyle.render.plan import Plan, Request, as_paths, make_plan
from videostyle.render.prefetch import Cancellation, cancel_scope, prefetch
from videostyle.render.result import result_of
from videostyle.render.scenes import LostError
from videostyle.render.stages import Stages, summed
from videostyle.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Summary:
    """What a job made.

    Args:
        output: Where.
        frames: How many.
        seconds: What it took, with everything but the loading of the network.
        size: (width, height).
        weights: Their name, or none.
        stages: Seconds by stage, see `render.stages`; empty for a still.

    """

    output: Path
    frames: int
    seconds: float
    size: tuple[int, int]
    weights: str
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def seconds_per_frame(self) -> float:
        return self.seconds / max(1, self.frames)


OnResume = Callable[[int], object]


def stylize_video(
    content: Path | str,
    style: Path | str | Sequence[Path | str],
    output: Path | str,
    settings: Settings | None = None,
    *,
    span: Span | None = None,
    fps: Fraction | int | None = None,
    overwrite: bool = False,
    side_by_side: bool = False,
    resume: bool = False,
    into: bool = False,
    on_frame: OnFrame = lambda report: None,
) -> Summary:
    """Restyle a video file into another, with its sound; or numbered pictures, or into such.

    Args:
        content: The video, or numbered pictures: `shot.%04d.png`.
        style: One picture, or several that count as one style.
        output: Where the result goes: .mp4, .mov, .mkv or .webm, which appears when it is complete; or `out.%04d.png`.
        settings: How; the standard ones by default.
        span: Which frames; all of them by default.
        fps: Numbered pictures per second; 24 by default.
        overwrite: Replace an output that exists.
        side_by_side: Put the content to the left of the result.
        resume: Go on with a job that was stopped; the result is the same as if it had not been.
        into: Make only the frames of `span` anew, in an output that is finished; the rest of it stays as it is.
        on_frame: Called after every frame.

    Raises:
        InputError: The request cannot be met as asked; nothing was written.
        VideostyleError: The work broke off; what is finished is kept beside the output for `resume`.

    """
    request = Request(
        Path(content),
        as_paths(style),
        Path(output),
        settings or Settings(),
        span or Span(),
        overwrite=overwrite,
        side_by_side=side_by_side,
        fps=None if fps is None else Fraction(fps),
        resume=resume,
        into=into,
    )
    return run(make_plan(request), on_frame=on_frame)


def stylize_image(
    content: Path | str,
    style: Path | str | Sequence[Path | str],
    output: Path | str,
    settings: Settings | None = None,
    *,
    overwrite: bool = False,
) -> Summary:
    """Restyle a picture file into a PNG, TIFF or JPEG; the arguments and errors are those of `stylize_video`."""
    return stylize_video(content, style, output, settings, overwrite=overwrite)


def run(
    plan: Plan,
    *,
    on_frame: OnFrame = lambda report: None,
    on_work: OnWork = lambda work: None,
    on_resume: OnResume = lambda frames: None,
) -> Summary:
    """Do what a plan says.

    Args:
        plan: From `make_plan`.
        on_frame: Called after every frame.
        on_work: Called after every optimizer step, in its thread, with its cost, in steps at full size.
        on_resume: Called with how many frames are done, where some were before or have to be made again.

    """
    if plan.finished:
        log.info("%s is finished already", plan.request.output)
        discard(plan.request.output)
        return Summary(plan.request.output, plan.frames or 0, 0.0, plan.written_size, "none")
    return _run(plan, () if plan.untouched else load_engines(plan.settings), on_frame, on_work, on_resume)


def run_batch(
    batch: Batch, *, on_frame: OnFrame = lambda report: None, on_work: OnWork = lambda work: None
) -> Iterator[Summary]:
    """Make the pictures of a batch one by one with one network; one that cannot be made is told and left out.

    Args:
        batch: From `make_batch`; what is finished is no part of its plans.
        on_frame: Called after every picture.
        on_work: Called after every optimizer step with its cost, in steps at full size.

    Raises:
        OutputError: The directory cannot be made, or a file cannot be written there.

    """
    loaded = () if batch.untouched else load_engines(batch.settings)  # untouched if there is none
    batch.make_folder()
    for plan in batch.plans:
        try:
            yield _run(plan, loaded, on_frame, on_work)
        except (UnreadableError, DivergedError) as error:
            log.warning("%s is left out: %s", plan.request.output.name, error)


def _run(
    plan: Plan,
    engines: Sequence[Engine],
    on_frame: OnFrame,
    on_work: OnWork,
    on_resume: OnResume = lambda frames: None,
) -> Summary:
    began = time.monotonic()
    weights, stages = engines[0].weights if engines else "none", list[Stages]()
    if plan.clip is None:
        known = replace(plan, facts=plan_facts(plan))
        frames = _run_still(known, engines, _comment(known, weights), on_frame, on_work)
    else:
        frames = _run_film(plan, plan.clip, engines, _comment(plan, weights), on_frame, on_work, on_resume, stages)
    seconds = time.monotonic() - began
    return Summary(plan.request.output, frames, seconds, plan.written_size, weights, summed(stages))


def _run_film(
    plan: Plan,
    clip: Clip,
    engines: Sequence[Engine],
    comment: str,
    on_frame: OnFrame,
    on_work: OnWork,
    on_resume: OnResume,
    stages: list[Stages],
) -> int:
    request, result = plan.request, result_of(plan, clip, comment)
    facts = plan.facts | engine_facts(engines)
    workers = 1 if plan.patch else plan.settings.workers or max(1, len(engines))
    with (
        Journal(request.output, facts, resume=request.resume, holds=result.holds, scattered=workers > 1) as journal,
        as_media_errors(),
    ):
        if journal.frames:
            total = "?" if plan.frames is None else max(plan.frames, journal.frames)
            log.info("resumed at frame %d of %s", journal.frames, total)
            on_resume(journal.frames)
        while not journal.complete:
            try:
                with cancel_scope() as stop:
                    told = _heeding(on_work, stop)
                    hands = hands_of(plan, engines, told, workers)
                    render(Job(plan, clip, result, journal, stages, stop), hands, on_frame)
            except LostError as lost:
                stop.wait()
                journal.drop(lost.segments)
                on_resume(journal.frames)
        stages.append(Stages())
        with stages[-1].timing("finish"):
            result.finish(journal)
        return journal.frames


def _heeding(on_work: OnWork, stop: Cancellation) -> OnWork:
    """The same, told by one thread at a time; a thread that is to end does so at its next step."""
    lock = Lock()

    def tell(work: float) -> None:
        stop.check()
        with lock:
            on_work(work)

    return tell


def _run_still(plan: Plan, engines: Sequence[Engine], comment: str, on_frame: OnFrame, on_work: OnWork) -> int:
    began = time.monotonic()
    content = still.read_frame(plan.request.content, plan.size)
    steps = in_regions([TrackedFrame(content, None)], plan.settings.content_masks, plan.size, Span())
    with cancel_scope() as stop:
        (hand,) = hands_of(plan, engines, _heeding(on_work, stop))
        (made,) = prefetch(hand.stylize(0, steps, {}), stop)
    frame = made.frame()
    still.write_still(plan.request.output, frame.pixels, comment, frame.alpha)
    on_frame(FrameReport(0, time.monotonic() - began, made.losses()))
    return 1


def _comment(plan: Plan, weights: str) -> str:
    """How the result was made, for its metadata: one line of JSON that `--config` reads again."""
    settings = {name: value for name, value in asdict(plan.settings).items() if name not in PLACE}
    made = {
        "videostyle": version("videostyle"),
        "job": plan.job,
        "weights": weights,
        "styles": [style.name for style in plan.request.styles],
        "settings": settings | {"size": max(plan.size)},
    }
    return json.dumps(made, separators=(",", ":"))
