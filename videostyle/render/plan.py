"""What a job will do, settled and checked before any work: nothing here loads torch unless the device decides."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import cycle
from pathlib import Path

from videostyle.errors import InputError, OutputError, as_input_errors
from videostyle.frames import Span, fit
from videostyle.media import sequence
from videostyle.media.audio import plan as audio
from videostyle.media.audio.tracks import Track
from videostyle.media.clip import Clip
from videostyle.media.files import resolve_link
from videostyle.media.image import still
from videostyle.media.probe import probe
from videostyle.media.video import codecs
from videostyle.media.video.codecs import Encoding
from videostyle.render.checks import check_free, check_paths, check_settings, check_suffix
from videostyle.render.facts import Facts, differences, fingerprint, weights_asked
from videostyle.render.into import Patch, plan_patch, possible_times
from videostyle.render.journal import kept_facts, kept_segments
from videostyle.render.preflight import check_container, check_engine, check_room, made_by, with_facts
from videostyle.settings import PREVIEW_SIDE, Settings
from videostyle.style.optimize.schedule import fresh_work

log = logging.getLogger(__name__)

CPU_LONGEST = 384  # default longest side without a GPU
SOFT = 1.25  # enlargement of a style beyond which it is seen that detail is missing


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    Args:
        content: A video, numbered pictures as `shot.%04d.png`, or a picture; for a directory as output, also a
            directory or pattern of pictures.
        styles: One picture or more; a directory or pattern stands for its pictures.
        output: A video or numbered pictures for either, a picture for a picture; or a directory.
        settings: How.
        span: Which frames of a video.
        preview: A fast draft of the same look: quarter the pixels, fewer steps.
        overwrite: An output that exists may be replaced.
        folder: The output is a directory, made if it is not there: see `batch.make_batch`.
        fps: Numbered pictures per second; `sequence.DEFAULT_RATE` by default.
        attention_map: Where to write what stands out in the first frame, as a picture.
        side_by_side: The content stands to the left of the result.
        resume: Go on with a job that was stopped.
        into: The output is finished, and only the frames of the span are made anew in it.

    """

    content: Path
    styles: tuple[Path, ...]
    output: Path
    settings: Settings
    span: Span = Span()
    preview: bool = False
    overwrite: bool = False
    folder: bool = False
    fps: Fraction | None = None
    attention_map: Path | None = None
    side_by_side: bool = False
    resume: bool = False
    into: bool = False

    @property
    def prepared(self) -> Settings:
        """The settings to work with."""
        return self.settings.previewed() if self.preview else self.settings


@dataclass(frozen=True, eq=False)
class Plan:
    """A request that can be met.

    Args:
        request: As it came.
        settings: With the preview's fewer steps.
        size: (width, height) of the result as shown.
        clip: The source, a film or numbered pictures; None for a still.
        tracks: What becomes of the sound.
        frames: Estimate, for progress; None where nothing tells.
        encoding: Of a video.
        facts: What the result depends on, as far as it is known before the work.
        finished: The result is there already, made by this very job.
        patch: What of a finished output is made anew; None where all of it is made.

    """

    request: Request
    settings: Settings
    size: tuple[int, int]
    clip: Clip | None
    tracks: tuple[Track, ...]
    frames: int | None
    encoding: Encoding | None = None
    facts: Facts = field(default_factory=dict)
    finished: bool = False
    patch: Patch | None = None

    @property
    def written_size(self) -> tuple[int, int]:
        """(width, height) of what is written: two pictures if they stand side by side."""
        width, height = self.size
        return (2 * width if self.request.side_by_side else width), height

    @property
    def job(self) -> str:
        """What the result is known by: the facts, and the weights that are asked for."""
        return fingerprint(self.facts | {"weights": weights_asked(self.settings.weights)})

    @property
    def untouched(self) -> bool:
        """No step is to be taken anywhere: pixels pass through."""
        return not (self.settings.iterations or self.settings.first_iterations)

    @property
    def work(self) -> float | None:
        """Estimated cost in steps at full size, with no cut but the first."""
        if self.frames is None:
            return None
        again = 0 if self.settings.independent else self.settings.iterations * (self.settings.passes - 1)
        return fresh_work(self.settings, max(self.size)) + again + self.left(1)

    def left(self, done: int) -> float:
        """Estimated cost of what is left after `done` frames."""
        following = self.settings.iterations * self.settings.passes
        each = fresh_work(self.settings, max(self.size)) if self.settings.independent else following
        return each * max(0, (self.frames or 0) - done)


@as_input_errors()
def make_plan(request: Request) -> Plan:
    """Check everything that can be checked.

    Raises:
        InputError: The request cannot be met as asked; the message says what to change.

    """
    if still.is_many(request.content) and not sequence.is_sequence(request.content):
        raise OutputError(request.output, f"{request.content} is many pictures; name a directory: {request.output}/")
    styles = tuple(path for style in request.styles for path in still.find_images(style))
    request = replace(request, styles=styles, output=resolve_link(request.output))
    check_paths(request)
    check_settings(request)
    check_engine(request.settings)
    for style in request.styles:
        still.image_size(style)
    if request.fps is not None and not sequence.is_sequence(request.content):
        raise InputError("--fps is for numbered pictures; anything else has its own times")
    alone = still.is_still(request.content) and not sequence.is_sequence(request.content)
    plan = _plan_still(request) if alone else _plan_film(request, request.prepared)
    tell_of_small_styles([plan])
    return plan


def _plan_still(request: Request) -> Plan:
    if request.into:
        raise InputError("--into is for films and numbered pictures; a picture has one frame")
    check_suffix(request.output)
    if sequence.is_sequence(request.output):
        raise OutputError(request.output, "one picture gets one name, without a number")
    size = still.image_size(request.content)
    plan = plan_picture(request, size)
    if not plan.finished:
        _tell_of_transparency(request.content, request.output)
        tell_of_limit(max(size), request)
    return plan


def plan_picture(request: Request, size: tuple[int, int]) -> Plan:
    """The plan of one picture whose (width, height) as shown is `size`."""
    if not request.span.whole:
        raise InputError("--frames, --start and --end are for videos; a picture has one frame")
    plan = Plan(request, request.prepared, output_size(*size, request), None, (), 1)
    if request.resume and request.output.exists():
        plan = with_facts(plan, [request.output])
    if not plan.finished:
        check_free(request)
    return plan


def _tell_of_transparency(content: Path, output: Path) -> None:
    if not still.keeps_alpha(output) and still.is_transparent(content):
        log.warning("%s cannot be transparent as %s is; it is laid on white", output, content)


def _plan_film(request: Request, settings: Settings) -> Plan:
    """A film or numbered pictures, into either."""
    output = request.output
    if sequence.is_sequence(output):
        check_suffix(output)
    elif still.is_still(output):
        raise OutputError(
            output, "a video is written as .mp4, .mov, .mkv or .webm, or as numbered pictures: out.%04d.png"
        )
    clip = _probed(request)
    if clip.hdr is not None and not (settings.iterations or settings.first_iterations):
        clip = replace(clip, hdr=clip.hdr.unlimited())
    frames = _frames_in(request.span, clip)
    if request.into:
        encoding = None if sequence.is_sequence(output) else _encoding(request, settings, clip)
        return plan_patch(Plan(request, settings, _told_size(request, clip), clip, (), frames, encoding), clip)
    if sequence.is_sequence(output):
        return _plan_pictures(Plan(request, settings, _told_size(request, clip), clip, (), frames), clip)
    encoding, tracks = _encoding(request, settings, clip), _tracks(request, settings, clip)
    check_container(output, clip, (clip.width, clip.height), encoding, list(tracks))
    plan = with_facts(Plan(request, settings, _told_size(request, clip), clip, tracks, frames, encoding), [output])
    if plan.finished:
        return plan
    check_free(request)
    check_room(plan)
    if encoding.padded(plan.written_size) != plan.written_size:
        words = "%dx%d is made even for %s by repeating the last row or column"
        log.warning(words, *plan.written_size, encoding.pixel_format)
    return plan


def _plan_pictures(plan: Plan, clip: Clip) -> Plan:
    kept = kept_facts(plan.request.output)
    plan = with_facts(plan, [] if kept_segments(plan.request.output) else _pictures(plan, clip))
    if plan.finished:
        return plan
    if not plan.request.resume or kept is None or differences(kept, plan.facts):
        _check_numbers(plan, clip)
    check_room(plan)
    return plan


def _pictures(plan: Plan, clip: Clip) -> Iterator[Path]:
    """All that are made; of a film, as its packets say: never less than are shown of it."""
    first = sequence.first_number(clip)
    for place in plan.request.span.indices(next(possible_times(clip))):
        yield sequence.numbered(plan.request.output, first + place)


def _told_size(request: Request, clip: Clip) -> tuple[int, int]:
    """(width, height) of the result; this may load torch, to know of a GPU."""
    tell_of_limit(max(clip.width, clip.height), request)
    return output_size(clip.width, clip.height, request)


def _encoding(request: Request, settings: Settings, clip: Clip) -> Encoding:
    return codecs.choose(
        request.output,
        clip.colors.for_video(),
        settings.codec,
        crf=settings.crf,
        pix_fmt=settings.pix_fmt,
        delivery=settings.delivery,
    )


def _tracks(request: Request, settings: Settings, clip: Clip) -> tuple[Track, ...]:
    if clip.is_sequence:
        return ()
    delivery = codecs.DELIVERIES.get(settings.delivery)
    only = delivery.audio_codecs if delivery is not None else ()
    return tuple(audio.plan_tracks(request.content, request.output, cut=not request.span.whole, only=only))


def _probed(request: Request) -> Clip:
    """The facts of the source, and what of it cannot be kept, told."""
    content, output = request.content, request.output
    if sequence.is_sequence(content):
        clip = sequence.probe(content, request.fps or sequence.DEFAULT_RATE)
        _tell_of_transparency(sequence.numbered(content, sequence.first_number(clip)), output)
        return clip
    clip = probe(content)
    if sequence.is_sequence(output) and audio.has_audio(content):
        log.warning("numbered pictures have no sound; that of %s is left out", content)
    if sequence.is_sequence(output) and clip.aspect != 1:
        log.warning("%s has pixels %s as wide as high; those of the pictures are square", content, clip.aspect)
    return clip


def _check_numbers(plan: Plan, clip: Clip) -> None:
    """No numbered picture stands where one is to be written, but what this very job made before it was stopped."""
    request = plan.request
    if request.overwrite:
        return
    begin, end = _places(request.span, clip)
    first = sequence.first_number(clip)
    for number in sequence.numbers(request.output):
        if number >= first + begin and (end is None or number < first + end):
            there = sequence.numbered(request.output, number)
            if not (request.resume and made_by(plan.job, there)):
                raise OutputError(there, "it exists; choose another name or say --overwrite")


def _places(span: Span, clip: Clip) -> tuple[int, int | None]:
    """The frames that may be written, half-open; of a film, a range in time may be any of them."""
    if not clip.is_sequence:
        return span.first, span.last
    found = sequence.indices(clip, span)
    return found[0], found[-1] + 1


def tell_of_limit(longest: int, request: Request) -> None:
    """A CPU's default size is not the source's, whose longest side has `longest` pixels."""
    if _limited(longest, request.settings):
        log.warning(
            "no GPU: the longest side is %d pixels, not %d; say --size %d for all of it", CPU_LONGEST, longest, longest
        )


def tell_of_small_styles(plans: Iterable[Plan]) -> None:
    """Each style that some plan has to enlarge, once: it has no detail of that size to give."""
    needed: dict[Path, float] = {}
    for plan in plans:
        for style, scale in zip(plan.request.styles, cycle(plan.settings.style_scale), strict=False):
            side = 0 if plan.untouched or plan.finished else max(plan.size) * scale
            needed[style] = max(needed.get(style, 0), side)
    for style, side in needed.items():
        longest = max(still.image_size(style))
        if side > SOFT * longest:
            log.warning(
                "%s is enlarged from %d to %d pixels and becomes soft; take a larger picture or a lower --style-scale",
                *(style, longest, round(side)),
            )


def _limited(longest: int, settings: Settings) -> bool:
    return settings.size is None and longest > CPU_LONGEST and not _on_gpu(settings.device)


def output_size(width: int, height: int, request: Request) -> tuple[int, int]:
    """(width, height) of the result."""
    longest = max(width, height)
    longest = CPU_LONGEST if _limited(longest, request.settings) else request.settings.size or longest
    if request.preview:
        longest = max(16, round(longest * PREVIEW_SIDE))
    return fit(width, height, longest)


def _on_gpu(device: str) -> bool:
    if device != "auto":
        return device.startswith("cuda")
    import torch

    return torch.cuda.is_available()


def _frames_in(span: Span, clip: Clip) -> int | None:
    if clip.is_sequence:
        return len(sequence.indices(clip, span))
    if clip.frames is None:
        return None if span.last is None else span.last - span.first
    begin, end = Fraction(span.first), Fraction(clip.frames)
    if span.last is not None:
        end = min(end, Fraction(span.last))
    if span.start is not None:
        begin = max(begin, span.start * clip.rate)
    if span.end is not None:
        end = min(end, span.end * clip.rate)
    return max(1, round(end - begin))


def as_paths(style: Path | str | Sequence[Path | str]) -> tuple[Path, ...]:
    """One style or several, as paths."""
    return (Path(style),) if isinstance(style, (str, Path)) else tuple(Path(s) for s in style)
