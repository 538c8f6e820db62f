"""Train a look, from films and paintings to a file that stands where a painting stands; export one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videostyle.errors import InputError, OutputError, SettingError, as_input_errors
from videostyle.frames import Frame, Pixels, Span, fit
from videostyle.journal.digests import file_digest
from videostyle.media.content import Content, StillContent, open_content
from videostyle.media.files import create_part, publish_output
from videostyle.media.image import still
from videostyle.network.file import SUFFIX, LookHeader, is_look, load_network, save_network
from videostyle.plan.identity import described
from videostyle.plan.options import check_engine, check_settings
from videostyle.plan.paths import check_apart, check_new, check_readable, check_styles, named_files
from videostyle.plan.request import Request
from videostyle.plan.size import output_size
from videostyle.render.engine import Engine, StyleInputs, load_engines
from videostyle.settings import Settings

if TYPE_CHECKING:
    from videostyle.network.clip import TrainingClip
    from videostyle.network.train import TrainingReport
    from videostyle.style.objective.look import Style

STEPS = 1000
MOST_FRAMES, STRETCH = 192, 24  # frames that a look is learned from at most, in stretches of this length
SMALLEST = 24  # pixels of the shorter side of what is learned from

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """What the user asks for.

    Args:
        content: A video, numbered images, or an image.
        styles: Images that count as one style.
        output: The look file to make.
        settings: Weights of the losses, size, seed and device.
        span: Which frames of a video.
        steps: At most.
        start: A look file to begin with, whose strokes are learned already.
        pictures: A directory of further images to learn from, for a look that serves other films as well.
        overwrite: An output that exists may be replaced.

    """

    content: Path
    styles: tuple[Path, ...]
    output: Path
    settings: Settings = field(default_factory=Settings)
    span: Span = Span()
    steps: int = STEPS
    start: Path | None = None
    pictures: Path | None = None
    overwrite: bool = False


@as_input_errors()
def train_look(request: TrainingRequest) -> Iterator[TrainingReport]:
    """Train a look and write its file, yielding a report now and then; the file is there at the end.

    Raises:
        InputError: The request cannot be met as asked; the message says what to change.

    """
    request = _checked(request)
    settings = request.settings
    content = open_content(request.content)
    as_asked = Request(content=request.content, styles=request.styles, output=request.output, settings=settings)
    check_settings(as_asked)
    size = output_size(*content.size, as_asked)
    start = None if request.start is None else load_network(request.start)[0]
    (engine, *_) = load_engines(settings.override(precision=_precision(settings)))
    clip = _training_clip(request, content, size, engine)

    from videostyle.network.train import train_network

    styles, report = _styles(request, engine), None
    for report in train_network(clip, styles, settings, engine.network, steps=request.steps, start=start):
        yield report
    assert report is not None, "the last step is reported"
    _save(request, report, max(size))


@as_input_errors()
def export_look(look: Path, output: Path, *, overwrite: bool = False) -> None:
    """Write the network of a look file as ONNX.

    Raises:
        InputError: It cannot be; the message says what to change.

    """
    if output.suffix.lower() != ".onnx":
        raise OutputError(output, "an export ends in .onnx")
    check_new(output, overwrite=overwrite)
    LookHeader.read(look)

    from videostyle.network.export import check_onnx, export_network

    check_onnx()
    with new_file(output, replace=overwrite) as part:
        export_network(look, part)


@contextmanager
def new_file(path: Path, *, replace: bool) -> Iterator[Path]:
    """Give a file that gets its name when the block ends without an error."""
    part = create_part(path)
    try:
        yield part
        publish_output(part, path, replace=replace)
    finally:
        part.unlink(missing_ok=True)


def _save(request: TrainingRequest, report: TrainingReport, size: int) -> None:
    shape = report.network.shape
    header = LookHeader(
        styles=[{"name": style.name, "digest": file_digest(style)} for style in request.styles],
        size=size,
        width=shape.width,
        dilations=shape.dilations,
        seed=request.settings.seed,
        settings=described(request.settings) | {"size": size},
        steps=report.step,
        losses={name: round(loss, 6) for name, loss in report.held_out.items()},
        version=version("videostyle"),
    )
    with new_file(request.output, replace=request.overwrite) as part:
        save_network(part, report.network, header)


def _checked(request: TrainingRequest) -> TrainingRequest:
    """Return the request with the images that its names stand for; see that it can be met."""
    if request.output.suffix.lower() != SUFFIX:
        raise OutputError(request.output, f"a look file ends in {SUFFIX}")
    if request.steps < 1:
        raise InputError("--steps is 1 or more")
    if any(is_look(style) for style in request.styles):
        raise InputError("a look is trained from paintings; --start begins with a look file")
    settings = request.settings
    if settings.content_masks:
        raise SettingError("content_masks", settings.content_masks, "empty: a look goes everywhere")
    if settings.normalization == "none":
        raise SettingError("normalization", "none", "energy, by which the terms of training are weighed")
    check_readable(request.content)
    styles = tuple(path for style in request.styles for path in still.find_images(style))
    check_styles(styles)
    check_engine(settings)
    check_new(request.output, overwrite=request.overwrite)
    others = [] if request.start is None else [request.start]
    check_apart([request.output], [request.content, *styles, *named_files(settings), *others])
    return replace(request, styles=styles)


def _precision(settings: Settings) -> str:
    """The numbers that VGG19 computes in: bfloat16 where a CPU multiplies it, since what it teaches is no result."""
    import torch

    from videostyle.style.device import choose_devices

    (device, *_) = choose_devices(settings.device)
    multiplies = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bf16" if settings.precision == "auto" and device.type == "cpu" and multiplies() else settings.precision


def _training_clip(request: TrainingRequest, content: Content, size: tuple[int, int], engine: Engine) -> TrainingClip:
    from videostyle.network.clip import TrainingClip

    settings = request.settings
    frames = [frame.pixels for frame in _spread(content, size, request.span)]
    moving = 1 if isinstance(content, StillContent) else len(frames)
    pictures = [] if request.pictures is None else [_fitted(path, size) for path in still.find_images(request.pictures)]
    if min(min(picture.shape[:2]) for picture in (*frames, *pictures)) < SMALLEST:
        raise InputError(f"a look is learned from pictures of {SMALLEST} pixels at least; say a larger --size")
    seen = [_canvas(picture, settings) for picture in (*frames, *pictures)]
    return TrainingClip(seen, moving, settings.flow, settings.flow_mask, engine.device)


def _spread(content: Content, size: tuple[int, int], span: Span) -> Iterator[Frame]:
    """Yield frames of the whole span, in stretches that follow each other, so that they show motion."""
    if isinstance(content, StillContent):
        yield from content.read_frames(size, span)
        return
    count = content.estimate_count(content.clip.resolved(span)) or MOST_FRAMES
    apart = max(1, round(count / MOST_FRAMES)) * STRETCH
    found = (frame for n, frame in enumerate(content.read_frames(size, span)) if n % apart < STRETCH)
    for number, frame in enumerate(found):
        if number < 2 * MOST_FRAMES:
            yield frame


def _fitted(path: Path, size: tuple[int, int]) -> Pixels:
    """Return a further picture, as large as the frames are."""
    return still.read_still(path, fit(*still.image_size(path), max(size)))


def _canvas(pixels: Pixels, settings: Settings) -> Pixels:
    """Return what the network sees of a frame: gray where the content's colors are to stay."""
    from videostyle.style.objective import palette
    from videostyle.style.pixels import to_pixels, to_tensor

    if settings.color != "content":
        return pixels
    return to_pixels(palette.gray(to_tensor(pixels)), np.dtype(pixels.dtype))


def _styles(request: TrainingRequest, engine: Engine) -> list[Style]:
    from videostyle.style.objective.look import Style
    from videostyle.style.pixels import mask_to_tensor, to_tensor

    settings, inputs = request.settings, StyleInputs.load(request.styles, request.settings)
    return [
        Style.of_painting(
            to_tensor(image, engine.device),
            settings.style_scale[number % len(settings.style_scale)],
            settings.style_mix[number % len(settings.style_mix)],
            mask_to_tensor(inputs.masks[number], engine.device) if inputs.masks else None,
        )
        for number, image in enumerate(inputs.styles)
    ]
