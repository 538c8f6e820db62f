"""A planned job, run."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import partial
from importlib.metadata import version
from itertools import cycle, groupby, islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from videostyle.errors import DivergedError, UnreadableError
from videostyle.frames import Frame, Pixels, Plane, Step
from videostyle.media import matte, sequence, still
from videostyle.media.reader import read_frames
from videostyle.media.source import Clip, Span
from videostyle.render.batch import Batch
from videostyle.render.facts import Facts, fingerprint
from videostyle.render.into import Kept, entry_of, taken_up
from videostyle.render.journal import STATES, Journal, discard
from videostyle.render.line import Closed, Item, Made, Part, Stylize, stylized, work
from videostyle.render.plan import Plan, Request, as_paths, make_plan
from videostyle.render.prefetch import GRACE, Stop, merged, prefetch, shared, together
from videostyle.render.result import Result, result_of
from videostyle.render.scenes import LostError, Scene, begin, find_scenes, leave, outlived, undone
from videostyle.render.segments import in_segments
from videostyle.render.stages import Stages, summed
from videostyle.render.states import State, kept, restored
from videostyle.settings import INITS, Settings

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from videostyle.motion.follow import Asked
    from videostyle.style.stylizer import Stylized
    from videostyle.style.vgg import VGG19
    from videostyle.style.weights import Weights

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FrameReport:
    """A frame that is finished and handed to the encoder.

    Args:
        index: Its place in the source.
        seconds: Since the frame that was finished before it, or since the beginning.
        losses: What was left of each loss, weighted, by name; empty where no step was taken.

    """

    index: int
    seconds: float
    losses: dict[str, float]


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


OnFrame = Callable[[FrameReport], object]
OnWork = Callable[[float], None]
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
        on_resume: Called once with how many frames were done before, where some were.

    """
    if plan.finished:
        log.info("%s is finished already", plan.request.output)
        discard(plan.request.output)
        return Summary(plan.request.output, plan.frames or 0, 0.0, plan.written_size, "none")
    return _run(plan, () if plan.untouched else _load(plan.settings), on_frame, on_work, on_resume)


def run_batch(
    batch: Batch, *, on_frame: OnFrame = lambda report: None, on_work: OnWork = lambda work: None
) -> Iterator[Summary]:
    """Make the pictures of a batch one by one with one network; one that cannot be made is told and left out.

    Args:
        batch: From `make_batch`.
        on_frame: Called after every picture.
        on_work: Called after every optimizer step with its cost, in steps at full size.

    Raises:
        OutputError: The directory cannot be made, or a file cannot be written there.

    """
    loaded = () if batch.untouched else _load(batch.settings)
    batch.make_folder()
    for plan in batch.plans:
        try:
            yield _run(plan, loaded, on_frame, on_work)
        except (UnreadableError, DivergedError) as error:
            log.warning("%s is left out: %s", plan.request.output.name, error)


def _run(
    plan: Plan,
    engines: Sequence[_Engine],
    on_frame: OnFrame,
    on_work: OnWork,
    on_resume: OnResume = lambda frames: None,
) -> Summary:
    began = time.monotonic()
    weights = engines[0].weights if engines else "none"
    comment, stages = _comment(plan, weights), list[Stages]()
    if plan.clip is None:
        frames = _run_still(plan, engines, comment, on_frame, on_work)
    else:
        frames = _run_film(plan, plan.clip, engines, comment, on_frame, on_work, on_resume, stages)
    seconds = time.monotonic() - began
    return Summary(plan.request.output, frames, seconds, plan.written_size, weights, summed(stages))


def _run_film(
    plan: Plan,
    clip: Clip,
    engines: Sequence[_Engine],
    comment: str,
    on_frame: OnFrame,
    on_work: OnWork,
    on_resume: OnResume,
    stages: list[Stages],
) -> int:
    request, result = plan.request, result_of(plan, clip, comment)
    facts = plan.facts | _engine_facts(engines)
    workers = 1 if plan.patch else plan.settings.workers or max(1, len(engines))
    with Journal(request.output, facts, resume=request.resume, holds=result.holds, scattered=workers > 1) as journal:
        if journal.frames:
            _tell_of_resume(plan, journal.frames, on_resume)
        while not journal.complete:
            try:
                with together() as stop:
                    told = _heeding(on_work, stop)
                    hands = [_hand(plan, engine, told) for engine in islice(cycle(engines or [None]), workers)]
                    _render(_Job(plan, clip, result, journal, stages, stop), hands, on_frame)
            except LostError as lost:
                journal.drop(lost.segments)
        stages.append(Stages())
        with stages[-1].timing("finish"):
            result.finish(journal)
        return journal.frames


def _tell_of_resume(plan: Plan, done: int, on_resume: OnResume) -> None:
    log.info("resumed at frame %d of %s", done, "?" if plan.frames is None else max(plan.frames, done))
    on_resume(done)


def _heeding(on_work: OnWork, stop: Stop) -> OnWork:
    """The same, told by one thread at a time; a thread that is to end does so at its next step."""
    lock = Lock()

    def tell(work: float) -> None:
        stop.heed()
        with lock:
            on_work(work)

    return tell


@dataclass(frozen=True, eq=False)
class _Job:
    """A film to be made, and what its threads share."""

    plan: Plan
    clip: Clip
    result: Result
    journal: Journal
    stages: list[Stages]
    stop: Stop

    @property
    def alone(self) -> bool:
        """No frame needs another one."""
        return self.plan.settings.independent or self.plan.untouched

    @property
    def span(self) -> Span:
        """The frames of the source to be read."""
        return self.plan.request.span if self.plan.patch is None else self.plan.patch.reach

    def timer(self) -> Stages:
        """A clock for the threads of one line."""
        self.stages.append(Stages())
        return self.stages[-1]


def _render(job: _Job, hands: Sequence[_Hand], on_frame: OnFrame) -> None:
    """Make the segments that are not done yet; each is kept as soon as it is made."""
    last_segments: list[int] = []
    lines = _scattered(job, hands, last_segments) if job.journal.scattered else [_in_order(job, hands[0])]
    began, journal = time.monotonic(), job.journal
    with closing(merged(lines, job.stop, grace=2 * GRACE)) as found:
        for made in found:
            if isinstance(made, Made):
                ended = time.monotonic()
                on_frame(FrameReport(made.content.index, ended - began, made.losses()))
                began = ended
            else:
                journal.publish(made.number, made.frames, made.state, _outlived(journal, last_segments, made.number))
    journal.conclude()


def _outlived(journal: Journal, last_segments: Sequence[int], newest: int) -> Callable[[int], bool]:
    """What tells whose state nobody needs any more."""
    if journal.scattered:
        return outlived(last_segments, journal.done)
    return lambda number: number <= newest - STATES


def _in_order(job: _Job, hand: _Hand) -> Iterator[Made | Closed]:
    """One segment after another."""
    stages = job.timer()
    return work(stylized(_parts(job, stages), hand.stylize), job.result, job.journal, stages, job.stop)


def _parts(job: _Job, stages: Stages) -> Iterator[Part]:
    """The segments after those that are done."""
    journal = job.journal
    done, first = journal.frames, len(journal.segments)
    state = journal.state(first - 1) if first else {}
    ahead = prefetch(_steps_left(job, stages, done), job.stop)
    with closing(stages.timed("wait", ahead)) as steps:
        for number, part in enumerate(in_segments(steps, cuts=not job.alone), first):
            yield Part(number, part, (lambda _: state or {}) if number == first else (lambda left: left))


def _steps_left(job: _Job, stages: Stages, done: int) -> Iterator[Step]:
    """The steps after the first `done`; those are read as well, for what they tell of the others."""
    from videostyle.motion.flow import METHODS, estimate

    plan, patch = job.plan, job.plan.patch
    if patch is None:
        return islice(_steps(job, stages, done), done, None)
    first = patch.touched.start + done
    measure = partial(estimate, method=METHODS[plan.settings.flow], mask=plan.settings.mask)
    return taken_up(patch, _steps(job, stages, first), first, plan.size, plan.written_size, measure)


def _scattered(job: _Job, hands: Sequence[_Hand], last_segments: list[int]) -> list[Iterator[Made | Closed]]:
    """Scenes side by side, one in each hand; the numbers of their last segments are noted as they are found."""
    take = shared(prefetch(_scenes(job, last_segments), job.stop, 2 * len(hands)))
    return [_line(job, hand, iter(take, None)) for hand in hands]


def _scenes(job: _Job, last_segments: list[int]) -> Iterator[Scene]:
    """Those of the film that are not done yet."""
    steps = _moving(job, job.timer(), 0, lambda number, opens: opens, quiet=False)
    for scene in find_scenes(steps, cuts=not job.alone):
        last_segments.append(scene.segments[-1])
        todo = undone(scene, job.journal)
        if todo:
            yield replace(scene, todo=todo)


def _line(job: _Job, hand: _Hand, scenes: Iterator[Scene]) -> Iterator[Made | Closed]:
    """One scene after another, as long as there are any to take."""
    stages = job.timer()
    making = hand.apart(stylized(_scene_parts(job, stages, scenes), hand.stylize))
    return work(making, job.result, job.journal, stages, job.stop)


def _scene_parts(job: _Job, stages: Stages, scenes: Iterator[Scene]) -> Iterator[Part]:
    ahead = prefetch(_scene_steps(job, stages, scenes), job.stop)
    with closing(stages.timed("wait", ahead)) as steps:
        for (scene, number), found in groupby(steps, lambda item: item[:2]):
            yield Part(
                number,
                (step for _, _, step in found),
                partial(begin, scene, number, job.journal, job.stop),
                partial(leave, scene, number),
            )


def _scene_steps(job: _Job, stages: Stages, scenes: Iterator[Scene]) -> Iterator[tuple[Scene, int, Step]]:
    """What is to be made of the scenes; the film is read once from beginning to end, with flow only where needed."""
    wanted, at = range(0), 0
    steps = _steps(job, stages, 0, lambda number, opens: number in wanted, quiet=True)
    for scene in scenes:
        for number in scene.todo:
            wanted = scene.frames(number)
            for step in islice(steps, wanted.start - at, wanted.stop - at):
                yield scene, number, step
            at = wanted.stop


def _steps(job: _Job, stages: Stages, done: int, asked: Asked | None = None, *, quiet: bool = False) -> Iterator[Step]:
    """All steps, with the motion of those after the first `done` that are asked for, and where each style goes."""
    plan = job.plan
    moving = _moving(job, stages, done, asked, quiet=quiet)
    found = _in_regions(moving, plan.settings.content_masks, plan.size, job.span)
    return stages.timed("flow", found, within="decode")


def _moving(job: _Job, stages: Stages, done: int, asked: Asked | None, *, quiet: bool) -> Iterator[Step]:
    from videostyle.motion.follow import always, and_back, follow_motion, forget_motion

    plan, clip, settings = job.plan, job.clip, job.plan.settings
    read = read_frames if clip.first is None else sequence.read_frames
    frames = stages.timed("decode", read(clip, plan.size, job.span, quiet=quiet))
    if job.alone:
        return forget_motion(frames)
    moving = follow_motion(frames, settings.flow, settings.mask, done, asked or always)
    return and_back(moving, settings.flow, settings.mask) if settings.passes > 1 else moving


def _run_still(plan: Plan, engines: Sequence[_Engine], comment: str, on_frame: OnFrame, on_work: OnWork) -> int:
    began = time.monotonic()
    content = still.read_frame(plan.request.content, plan.size)
    steps = _in_regions([Step(content, None)], plan.settings.content_masks, plan.size, Span())
    with together() as stop:
        hand = _hand(plan, engines[0] if engines else None, _heeding(on_work, stop))
        (made,) = prefetch(hand.stylize(0, steps, {}), stop)
    frame = made.frame()
    still.write_still(plan.request.output, frame.pixels, comment, frame.alpha)
    on_frame(FrameReport(0, time.monotonic() - began, made.losses()))
    return 1


def _in_regions(steps: Iterable[Step], masks: Sequence[str], size: tuple[int, int], span: Span) -> Iterator[Step]:
    """The steps with where each style goes."""
    if not masks:
        yield from steps
        return
    for step, *planes in zip(steps, *(matte.read_mattes(Path(mask), size, span) for mask in masks), strict=False):
        yield replace(step, regions=tuple(planes))


def _pass_through(number: int, steps: Iterable[Step], state: State) -> Iterator[Made]:
    return (Made(step.frame, partial(_same, step.frame), dict, dict) for step in steps)


def _same(frame: Frame) -> Frame:
    return frame


def _beside(stylize: Stylize) -> Stylize:
    """The same, with each frame's content to its left."""

    def both(number: int, steps: Iterable[Step], state: State) -> Iterator[Made]:
        return (replace(made, frame=partial(_joined, made)) for made in stylize(number, steps, state))

    return both


def _joined(made: Made) -> Frame:
    frame = made.frame()
    alpha = None if frame.alpha is None else np.hstack([frame.alpha, frame.alpha])
    return replace(frame, pixels=np.hstack([made.content.pixels, frame.pixels]), alpha=alpha)


def _keeping(stylize: Stylize) -> Stylize:
    """The same, with the frames that are to stay as they are in between."""

    def both(number: int, steps: Iterable[Step], state: State) -> Iterator[Made]:
        for stays, some in groupby(steps, lambda step: isinstance(step, Kept)):
            yield from (_pass_through if stays else stylize)(number, some, state)

    return both


@dataclass(frozen=True, eq=False)
class _Engine:
    """A network, the device it is on, the name of its weights, and what results depend on of all that."""

    network: VGG19
    device: torch.device
    weights: str
    facts: Facts


def _load(settings: Settings) -> list[_Engine]:
    """The style room, opened, with an engine on each device: this is where torch loads."""
    from videostyle.style.device import choose_devices
    from videostyle.style.layers import layer_shares
    from videostyle.style.weights import load

    devices = choose_devices(settings.device)
    weights = load(settings.weights, layer_shares((*settings.content_layers, *settings.style_layers)))
    digest = _digest(weights)
    return [_engine(settings, weights, digest, device) for device in devices]


def _engine(settings: Settings, weights: Weights, digest: str, device: torch.device) -> _Engine:
    import torch

    from videostyle.style.device import choose_precision, prepare
    from videostyle.style.vgg import VGG19

    prepare(device)
    network = VGG19(
        weights.tensors,
        weights.pooling if settings.pooling == "auto" else settings.pooling,
        device,
        native=weights.pooling,
        dtype=choose_precision(settings.precision, device),
    )
    facts = {
        "weights": f"{weights.identity} ({digest})",
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }
    return _Engine(network, device, weights.identity, facts)


def _digest(weights: Weights) -> str:
    found = hashlib.sha256()
    for name in sorted(weights.tensors):
        found.update(weights.tensors[name].numpy().tobytes())
    return found.hexdigest()[:16]


def _engine_facts(engines: Sequence[_Engine]) -> Facts:
    """Devices of one kind count as one."""
    if not engines:
        return {}
    return engines[0].facts | {"device": ", ".join(sorted({engine.facts["device"] for engine in engines}))}


@dataclass(frozen=True, eq=False)
class _Hand:
    """What restyles the steps of a segment; used by one thread, whose work is to be wrapped in `apart`."""

    stylize: Stylize
    apart: Callable[[Iterator[Item]], Iterator[Item]] = iter


def _hand(plan: Plan, engine: _Engine | None, on_work: OnWork) -> _Hand:
    hand = _Hand(_pass_through) if engine is None else _styling(plan, engine, on_work)
    stylize = _beside(hand.stylize) if plan.request.side_by_side else hand.stylize
    return replace(hand, stylize=stylize if plan.patch is None else _keeping(stylize))


def _styling(plan: Plan, engine: _Engine, on_work: OnWork) -> _Hand:
    from videostyle.style.device import in_own_stream
    from videostyle.style.stylizer import Stylizer

    settings = plan.settings
    stylizer = Stylizer(
        settings,
        engine.network,
        [still.read_still(style) for style in plan.request.styles],
        engine.device,
        on_work,
        masks=[matte.read_matte(Path(mask)) for mask in settings.style_masks],
        init=None if settings.init in INITS else still.read_still(Path(settings.init)),
    )

    def stylize(number: int, steps: Iterable[Step], state: State) -> Iterator[Made]:
        past, steps = entry_of(steps)
        seen = steps if number else _mapped(steps, stylizer.salience, plan.request.attention_map)
        left = restored(state, engine.device) if past is None else stylizer.left_by(**vars(past))
        for made in stylizer.stylize(seen, left):
            yield _handed(made, {} if settings.independent else made.state.tensors())

    return _Hand(stylize, partial(in_own_stream, device=engine.device))


def _handed(made: Stylized, left: Mapping[str, Tensor]) -> Made:
    return Made(made.content, lambda: made.frame, lambda: made.losses, partial(kept, left))


def _mapped(steps: Iterable[Step], salience: Callable[[Pixels], Plane], path: Path | None) -> Iterator[Step]:
    """The steps, after what stands out in the first one has been written as a picture, if asked for."""
    for number, step in enumerate(steps):
        if path is not None and number == 0:
            levels = (salience(step.frame.pixels) * 255).round().astype(np.uint8)
            still.write_still(path, np.repeat(levels[..., None], 3, axis=2), "attention")
        yield step


def _comment(plan: Plan, weights: str) -> str:
    """How the result was made, for its metadata: one line of JSON that `--config` reads again."""
    made = {
        "videostyle": version("videostyle"),
        "job": fingerprint(plan.facts),
        "weights": weights,
        "styles": [style.name for style in plan.request.styles],
        "settings": asdict(plan.settings) | {"size": max(plan.size)},
    }
    return json.dumps(made, separators=(",", ":"))
