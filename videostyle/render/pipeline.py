"""A planned job, run: decode ∥ flow → stylize → encode, in one line of generators."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videostyle.errors import DivergedError, UnreadableError
from videostyle.frames import Frame, Pixels, Plane, Step
from videostyle.media import matte, sequence, still
from videostyle.media.reader import read_frames
from videostyle.media.sequence import SequenceWriter
from videostyle.media.source import Clip, Span
from videostyle.media.writer import VideoWriter
from videostyle.render.batch import Batch
from videostyle.render.plan import Plan, Request, as_paths, make_plan
from videostyle.render.prefetch import prefetch
from videostyle.render.stages import Stages
from videostyle.settings import INITS, Settings

if TYPE_CHECKING:
    import torch

    from videostyle.style.vgg import VGG19

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
Made = tuple[Frame, dict[str, float]]
Stylize = Callable[[Iterable[Step]], Iterator[Made]]


def stylize_video(
    content: Path | str,
    style: Path | str | Sequence[Path | str],
    output: Path | str,
    settings: Settings | None = None,
    *,
    span: Span | None = None,
    fps: Fraction | int | None = None,
    overwrite: bool = False,
    on_frame: OnFrame = lambda report: None,
) -> Summary:
    """Restyle a video file into another, with its sound; or numbered pictures, or into such.

    Args:
        content: The video, or numbered pictures: `shot.%04d.png`.
        style: One picture, or several that count as one style.
        output: Where the result goes: .mp4, .mov or .mkv, which appears when it is complete; or `out.%04d.png`.
        settings: How; the standard ones by default.
        span: Which frames; all of them by default.
        fps: Numbered pictures per second; 24 by default.
        overwrite: Replace an output that exists.
        on_frame: Called after every frame.

    Raises:
        InputError: The request cannot be met as asked; nothing was written.
        VideostyleError: The work broke off; nothing was left behind.

    """
    request = Request(
        Path(content),
        as_paths(style),
        Path(output),
        settings or Settings(),
        span or Span(),
        overwrite=overwrite,
        fps=None if fps is None else Fraction(fps),
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


def run(plan: Plan, *, on_frame: OnFrame = lambda report: None, on_work: OnWork = lambda work: None) -> Summary:
    """Do what a plan says.

    Args:
        plan: From `make_plan`.
        on_frame: Called after every frame.
        on_work: Called after every optimizer step with its cost, in steps at full size.

    """
    return _run(plan, None if plan.untouched else _load(plan.settings), on_frame, on_work)


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


def _run(plan: Plan, loaded: _Loaded | None, on_frame: OnFrame, on_work: OnWork) -> Summary:
    began, stages = time.monotonic(), Stages()
    stylize = _pass_through if loaded is None else _stylizer(plan, loaded, on_work)
    weights = "none" if loaded is None else loaded.weights
    comment = _comment(plan, weights)
    if plan.clip is None:
        frames = _run_still(plan, stylize, comment, on_frame)
    else:
        frames = _run_video(plan, plan.clip, stylize, comment, on_frame, stages)
    return Summary(plan.request.output, frames, time.monotonic() - began, plan.size, weights, stages.seconds)


def _run_video(plan: Plan, clip: Clip, stylize: Stylize, comment: str, on_frame: OnFrame, stages: Stages) -> int:
    from videostyle.motion.follow import follow_motion, forget_motion

    request, settings = plan.request, plan.settings
    read = read_frames if clip.first is None else sequence.read_frames
    frames = stages.timed("decode", read(clip, plan.size, request.span))
    alone = settings.independent or plan.untouched
    moving = forget_motion(frames) if alone else follow_motion(frames, settings.flow)
    moving = _in_regions(moving, settings.content_masks, plan.size, request.span)
    steps = stages.timed("wait", prefetch(stages.timed("flow", moving, within="decode")))
    count, began = 0, time.monotonic()
    with stages.timing("finish", within="work"), _writer(plan, clip, comment) as writer, stages.timing("work"):
        for frame, losses in stages.timed("optimize", stylize(steps), within="wait"):
            with stages.timing("encode"):
                writer.write(frame)
            count += 1
            ended = time.monotonic()
            on_frame(FrameReport(frame.index, ended - began, losses))
            began = ended
    return count


def _writer(plan: Plan, clip: Clip, comment: str) -> VideoWriter | SequenceWriter:
    output = plan.request.output
    if sequence.is_sequence(output):
        return SequenceWriter(output, sequence.first_number(clip), comment)
    tracks, part = list(plan.tracks), not plan.request.span.whole
    return VideoWriter(output, clip, plan.size, plan.settings.codec, tracks, from_zero=part, comment=comment)


def _run_still(plan: Plan, stylize: Stylize, comment: str, on_frame: OnFrame) -> int:
    began = time.monotonic()
    content = still.read_frame(plan.request.content, plan.size)
    steps = _in_regions([Step(content, None)], plan.settings.content_masks, plan.size, Span())
    ((frame, losses),) = stylize(steps)
    still.write_still(plan.request.output, frame.pixels, comment, frame.alpha)
    on_frame(FrameReport(0, time.monotonic() - began, losses))
    return 1


def _in_regions(steps: Iterable[Step], masks: Sequence[str], size: tuple[int, int], span: Span) -> Iterator[Step]:
    """The steps with where each style goes."""
    if not masks:
        yield from steps
        return
    for step, *planes in zip(steps, *(matte.read_mattes(Path(mask), size, span) for mask in masks), strict=False):
        yield replace(step, regions=tuple(planes))


def _pass_through(steps: Iterable[Step]) -> Iterator[Made]:
    return ((step.frame, {}) for step in steps)


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A network, the device it is on, and the name of its weights."""

    network: VGG19
    device: torch.device
    weights: str


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
    return _Loaded(network, device, weights.identity)


def _stylizer(plan: Plan, loaded: _Loaded, on_work: OnWork) -> Stylize:
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

    def stylize(steps: Iterable[Step]) -> Iterator[Made]:
        seen = _mapped(steps, stylizer.salience, plan.request.attention_map)
        return ((made.frame, made.losses) for made in stylizer.stylize(seen))

    return stylize


def _mapped(steps: Iterable[Step], salience: Callable[[Pixels], Plane], path: Path | None) -> Iterator[Step]:
    """The steps, after what stands out in the first one has been written as a picture, if asked for."""
    for number, step in enumerate(steps):
        if path is not None and number == 0:
            levels = (salience(step.frame.pixels) * 255).round().astype(np.uint8)
            still.write_still(path, np.repeat(levels[..., None], 3, axis=2), "attention")
        yield step


def _comment(plan: Plan, weights: str) -> str:
    """How the result was made, for its metadata: one line of JSON."""
    made = {
        "videostyle": version("videostyle"),
        "weights": weights,
        "styles": [style.name for style in plan.request.styles],
        "settings": asdict(plan.settings),
    }
    return json.dumps(made, separators=(",", ":"))
