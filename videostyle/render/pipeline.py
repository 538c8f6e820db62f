"""A planned job, run: decode ∥ flow → stylize → encode, in one line of generators."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import DivergedError, UnreadableError
from videostyle.frames import Frame, Pixels, Plane, Step
from videostyle.media import matte, sequence, still
from videostyle.media.reader import read_frames
from videostyle.media.source import Clip, Span
from videostyle.render.batch import Batch
from videostyle.render.facts import Facts, fingerprint
from videostyle.render.journal import Journal, State, discard, told
from videostyle.render.plan import Plan, Request, as_paths, make_plan
from videostyle.render.prefetch import prefetch
from videostyle.render.result import Result, result_of
from videostyle.render.segments import in_segments
from videostyle.render.stages import Stages
from videostyle.settings import INITS, Settings

if TYPE_CHECKING:
    import torch

    from videostyle.style import stylizer
    from videostyle.style.vgg import VGG19
    from videostyle.style.weights import Weights

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FrameReport:
    """A frame that is finished and handed to the encoder.

    Args:
        index: Its place in the source.
        seconds: What it took.
        losses: What was left of each loss, weighted, by name; empty where no step was taken.

    """

    index: int
    seconds: float
    losses: dict[str, float]


@dataclass(frozen=True, eq=False)
class Made:
    """A finished frame, what was left of each loss on it, and what it leaves to the next one, fetched when asked."""

    frame: Frame
    losses: dict[str, float]
    state: Callable[[], State]


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
_FULL = 65535  # of 16 bits
Stylize = Callable[[Iterable[Step], State], Iterator[Made]]


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
        on_work: Called after every optimizer step with its cost, in steps at full size.
        on_resume: Called once with how many frames were done before, where some were.

    """
    if plan.finished:
        log.info("%s is finished already", plan.request.output)
        discard(plan.request.output)
        return Summary(plan.request.output, plan.frames or 0, 0.0, plan.written_size, "none")
    return _run(plan, None if plan.untouched else _load(plan.settings), on_frame, on_work, on_resume)


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
    loaded = None if batch.untouched else _load(batch.settings)
    batch.make_folder()
    for plan in batch.plans:
        try:
            yield _run(plan, loaded, on_frame, on_work)
        except (UnreadableError, DivergedError) as error:
            log.warning("%s is left out: %s", plan.request.output.name, error)


def _run(
    plan: Plan,
    loaded: _Loaded | None,
    on_frame: OnFrame,
    on_work: OnWork,
    on_resume: OnResume = lambda frames: None,
) -> Summary:
    began, stages = time.monotonic(), Stages()
    weights = "none" if loaded is None else loaded.weights
    comment = _comment(plan, weights)
    if plan.clip is None:
        frames = _run_still(plan, _hand(plan, loaded, on_work, plan.request.attention_map), comment, on_frame)
    else:
        frames = _run_film(plan, plan.clip, loaded, comment, on_frame, on_work, on_resume, stages)
    seconds = time.monotonic() - began
    return Summary(plan.request.output, frames, seconds, plan.written_size, weights, stages.seconds)


def _run_film(
    plan: Plan,
    clip: Clip,
    loaded: _Loaded | None,
    comment: str,
    on_frame: OnFrame,
    on_work: OnWork,
    on_resume: OnResume,
    stages: Stages,
) -> int:
    request, result = plan.request, result_of(plan, clip, comment)
    facts = plan.facts | ({} if loaded is None else loaded.facts)
    with Journal(request.output, facts, resume=request.resume, holds=result.holds) as journal:
        if journal.frames:
            _tell_of_resume(plan, journal.frames, on_resume)
        if not journal.complete:
            stylize = _hand(plan, loaded, on_work, None if journal.frames else request.attention_map)
            _render(plan, clip, stylize, result, journal, on_frame, stages)
        with stages.timing("finish"):
            result.finish(journal)
        return journal.frames


def _tell_of_resume(plan: Plan, done: int, on_resume: OnResume) -> None:
    log.info("resumed at frame %d of %s", done, "?" if plan.frames is None else max(plan.frames, done))
    on_resume(done)


def _render(
    plan: Plan, clip: Clip, stylize: Stylize, result: Result, journal: Journal, on_frame: OnFrame, stages: Stages
) -> None:
    """Make the segments that are not done yet; each is kept as soon as it is made."""
    alone = plan.settings.independent or plan.untouched
    state = journal.state
    ahead = prefetch(_steps(plan, clip, journal.frames, stages, alone=alone))
    with closing(stages.timed("wait", ahead)) as steps:
        for part in in_segments(steps, cuts=not alone):
            frames = 0
            with told(journal.output), result.run(journal.draft) as run:
                making = stages.timed("optimize", stylize(part, state), within="wait")
                for made in _reported(making, on_frame):
                    with stages.timing("encode"):
                        run.write(made.frame)
                    frames += 1
            state = {} if alone else made.state()
            journal.publish(frames, state)
    journal.conclude()


def _reported(making: Iterator[Made], on_frame: OnFrame) -> Iterator[Made]:
    began = time.monotonic()
    for made in making:
        yield made
        ended = time.monotonic()
        on_frame(FrameReport(made.frame.index, ended - began, made.losses))
        began = ended


def _steps(plan: Plan, clip: Clip, done: int, stages: Stages, *, alone: bool) -> Iterator[Step]:
    """The steps after the first `done`, which are read as well, for what they tell of those that follow."""
    from videostyle.motion.follow import and_back, follow_motion, forget_motion

    request, settings = plan.request, plan.settings
    read = read_frames if clip.first is None else sequence.read_frames
    frames = stages.timed("decode", read(clip, plan.size, request.span))
    moving = forget_motion(frames) if alone else follow_motion(frames, settings.flow, settings.mask, done)
    if settings.passes > 1:
        moving = and_back(moving, settings.flow, settings.mask)
    found = _in_regions(moving, settings.content_masks, plan.size, request.span)
    return islice(stages.timed("flow", found, within="decode"), done, None)


def _run_still(plan: Plan, stylize: Stylize, comment: str, on_frame: OnFrame) -> int:
    began = time.monotonic()
    content = still.read_frame(plan.request.content, plan.size)
    steps = _in_regions([Step(content, None)], plan.settings.content_masks, plan.size, Span())
    (made,) = stylize(steps, {})
    still.write_still(plan.request.output, made.frame.pixels, comment, made.frame.alpha)
    on_frame(FrameReport(0, time.monotonic() - began, made.losses))
    return 1


def _in_regions(steps: Iterable[Step], masks: Sequence[str], size: tuple[int, int], span: Span) -> Iterator[Step]:
    """The steps with where each style goes."""
    if not masks:
        yield from steps
        return
    for step, *planes in zip(steps, *(matte.read_mattes(Path(mask), size, span) for mask in masks), strict=False):
        yield replace(step, regions=tuple(planes))


def _pass_through(steps: Iterable[Step], state: State) -> Iterator[Made]:
    return (Made(step.frame, {}, dict) for step in steps)


def _beside(stylize: Stylize) -> Stylize:
    """The same, with each frame's content to its left."""

    def both(steps: Iterable[Step], state: State) -> Iterator[Made]:
        contents: deque[Frame] = deque()

        def noted() -> Iterator[Step]:
            for step in steps:
                contents.append(step.frame)
                yield step

        for made in stylize(noted(), state):
            frame, content = made.frame, contents.popleft()
            alpha = None if frame.alpha is None else np.hstack([frame.alpha, frame.alpha])
            pixels = np.hstack([content.pixels, frame.pixels])
            yield replace(made, frame=replace(frame, pixels=pixels, alpha=alpha))

    return both


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A network, the device it is on, the name of its weights, and what results depend on of all that."""

    network: VGG19
    device: torch.device
    weights: str
    facts: Facts


def _load(settings: Settings) -> _Loaded:
    """The style room, opened: this is where torch loads."""
    from videostyle.style.device import choose_device, choose_precision, prepare
    from videostyle.style.layers import layer_shares
    from videostyle.style.vgg import VGG19
    from videostyle.style.weights import load

    device = choose_device(settings.device)
    prepare(device)
    weights = load(settings.weights, layer_shares((*settings.content_layers, *settings.style_layers)))
    network = VGG19(
        weights.tensors,
        weights.pooling if settings.pooling == "auto" else settings.pooling,
        device,
        native=weights.pooling,
        dtype=choose_precision(settings.precision, device),
    )
    return _Loaded(network, device, weights.identity, _engine_facts(weights, device))


def _engine_facts(weights: Weights, device: torch.device) -> Facts:
    import torch

    found = hashlib.sha256()
    for name in sorted(weights.tensors):
        found.update(weights.tensors[name].numpy().tobytes())
    return {
        "weights": f"{weights.identity} ({found.hexdigest()[:16]})",
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }


def _hand(plan: Plan, loaded: _Loaded | None, on_work: OnWork, attention_map: Path | None) -> Stylize:
    """What restyles the steps of a segment; the map, if any, is made of the first step of all."""
    stylize = _pass_through if loaded is None else _stylizer(plan, loaded, on_work, attention_map)
    return _beside(stylize) if plan.request.side_by_side else stylize


def _stylizer(plan: Plan, loaded: _Loaded, on_work: OnWork, attention_map: Path | None) -> Stylize:
    from videostyle.style.stylizer import Stylizer

    settings = plan.settings
    stylizer = Stylizer(
        settings,
        loaded.network,
        [still.read_still(style) for style in plan.request.styles],
        loaded.device,
        on_work,
        masks=[matte.read_matte(Path(mask)) for mask in settings.style_masks],
        init=None if settings.init in INITS else still.read_still(Path(settings.init)),
    )

    maps = iter([attention_map])

    def stylize(steps: Iterable[Step], state: State) -> Iterator[Made]:
        seen = _mapped(steps, stylizer.salience, next(maps, None))
        for made in stylizer.stylize(seen, _restored(state, loaded.device)):
            yield Made(made.frame, made.losses, partial(_kept, made.state))

    return stylize


def _kept(state: stylizer.State) -> State:
    """What a frame leaves to the next, for a file: the frame itself to the last bit, the older ones at 16 bits."""
    arrays = {name: tensor.cpu().contiguous().numpy() for name, tensor in state.tensors().items()}
    return {name: array if name.startswith("previous") else _rounded(array) for name, array in arrays.items()}


def _rounded(array: NDArray[np.float32]) -> NDArray[np.uint16]:
    rounded: NDArray[np.uint16] = np.rint(array * np.float32(_FULL)).astype(np.uint16)
    return rounded


def _restored(state: State, device: torch.device) -> stylizer.State | None:
    """The same in torch's own memory: how numbers lie there can change the last bit of what is made of them."""
    import torch

    from videostyle.style.stylizer import State as Left

    arrays = {name: array / np.float32(_FULL) if array.dtype == np.uint16 else array for name, array in state.items()}
    tensors = {name: torch.from_numpy(array).clone().to(device) for name, array in arrays.items()}
    return Left.of(tensors) if state else None


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
