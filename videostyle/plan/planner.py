"""Settle and check what a job will do, before any work: nothing here loads torch unless the device decides."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from videostyle.errors import InputError, OutputError, UnreadableError, as_input_errors
from videostyle.media.audio.plan import has_audio
from videostyle.media.audio.tracks import Track
from videostyle.media.clip import Clip
from videostyle.media.content import Content, SequenceContent, StillContent, VideoContent, open_content
from videostyle.media.image import still
from videostyle.media.marks import Marks
from videostyle.media.target import FolderTarget, SequenceTarget, StillTarget, Target, VideoTarget, resolve_target
from videostyle.media.video import codecs
from videostyle.media.video.codecs import Encoding
from videostyle.network.file import LookHeader, is_look
from videostyle.plan.disk import check_container, check_room
from videostyle.plan.edit import InsertEdit
from videostyle.plan.identity import job_id, plan_facts
from videostyle.plan.insert import insert_facts, plan_insert
from videostyle.plan.mistakes import check_kinds, check_range, warn_of_masks
from videostyle.plan.options import check_engine, check_settings
from videostyle.plan.paths import check_attention_map, check_paths, check_regular
from videostyle.plan.plan import Plan
from videostyle.plan.request import Request
from videostyle.plan.resume import check_free, check_kept_work, check_numbers, is_finished, warn_of_older
from videostyle.plan.size import (
    output_size,
    warn_of_further_images,
    warn_of_limit,
    warn_of_look_size,
    warn_of_small_styles,
    warn_of_unread,
    work_size,
)
from videostyle.settings import Settings

log = logging.getLogger(__name__)


@as_input_errors()
def make_plan(request: Request) -> Plan:
    """Check everything that can be checked.

    Raises:
        InputError: The request cannot be met as asked; the message says what to change.

    """
    target = resolve_target(request.output)
    try:
        return _plan(_found(request, target), target)
    except OutputError as error:
        if error.path != target.path:
            raise
        raise OutputError(request.output, error.reason) from error  # by the name that was typed


def _plan(request: Request, target: Target) -> Plan:
    check_paths(request, target)
    check_settings(request)
    if request.attention_map:
        check_attention_map(request, target, request.attention_map)
    check_engine(request.settings)
    for style in request.styles:
        still.style_size(style)
    moving = isinstance(target, (VideoTarget, SequenceTarget))
    content = open_content(request.content, request.fps, gaps=request.gaps, moving=moving)
    check_kinds(request, content, target)
    content = _with_sound(request, content, target)
    plan = _plan_still(request, content, target) if isinstance(content, StillContent) else _plan_video(
        request, content, target
    )  # fmt: skip
    if not is_finished(plan):
        warn_of_small_styles([plan])
        warn_of_look_size(plan)
        warn_of_further_images([*([content.path] if isinstance(content, StillContent) else []), *request.styles])
        warn_of_masks(request.settings, content, request.span)
    return plan


def _with_sound(request: Request, content: Content, target: Target) -> Content:
    """The content, with the sound that is laid beside it."""
    if request.sound is None:
        return content
    assert isinstance(content, SequenceContent), "check_kinds refuses the others"
    if not has_audio(request.sound):
        raise UnreadableError(request.sound, "it has no sound")
    return replace(content, clip=replace(content.clip, sound=request.sound))


def _found(request: Request, target: Target) -> Request:
    """The request with the styles that its names stand for, and the file behind a link as its output."""
    if still.is_many(request.content) and not isinstance(resolve_target(request.content), SequenceTarget):
        raise OutputError(request.output, f"{request.content} is many pictures; name a directory: {request.output}/")
    if any(is_look(style) for style in request.styles):
        return replace(request, styles=(), network=_look_file(request), output=target.path)
    styles = tuple(path for style in request.styles for path in still.find_images(style))
    warn_of_unread(request.styles)
    return replace(request, styles=styles, output=target.path)


def _look_file(request: Request) -> Path:
    """The look file that is the style, and sound.

    Raises:
        InputError: Other styles stand beside it, or a setting is asked for that a trained look does not know.

    """
    (look, *others) = request.styles
    if others:
        raise InputError("a look file is a style of its own; name it alone")
    if request.settings.content_masks or request.settings.style_masks or request.attention_map:
        raise InputError("a look file knows no masks and no attention; give paintings for these")
    if request.settings.passes > 1:
        raise InputError("--passes go over the steps of the optimizer, and a look file takes none")
    LookHeader.read(look)
    return look


def _plan_still(request: Request, content: StillContent, target: Target) -> Plan:
    if request.into:
        raise InputError("--into is for films and numbered pictures; a picture has one frame")
    if request.settings.passes > 1:
        raise InputError("--passes go over the frames of a film; a picture has one")
    if isinstance(target, SequenceTarget):
        raise OutputError(request.output, "one picture gets one name, without a number")
    image = StillTarget(target.path)
    image.check_suffix()
    plan = plan_image(request, content, image)
    if not is_finished(plan):
        warn_of_transparency(content, image)
        warn_of_limit(max(content.size), request)
    return plan


def plan_image(request: Request, content: StillContent, target: StillTarget) -> Plan:
    """The plan of one image."""
    if not request.span.whole:
        raise InputError("--frames, --start and --end are for videos; a picture has one frame")
    check_regular(request.output)
    settings, shown = request.effective_settings, output_size(*content.size, request)
    size = work_size(shown, request)
    facts = plan_facts(request, content, settings, size)
    plan = Plan(
        request=request,
        settings=settings,
        content=content,
        target=target,
        size=size,
        shown_size=shown,
        frames=1,
        facts=facts,
        job=job_id(facts, settings.weights),
    )
    if not is_finished(plan):
        check_free(request)
    return plan


def warn_of_transparency(content: StillContent | SequenceContent, target: Target) -> None:
    """Warn that an image is transparent and its result cannot be."""
    if not still.keeps_alpha(target.path) and content.is_transparent:
        log.warning("%s cannot be transparent as %s is; it is laid on white", target.path, content.files()[0])


@dataclass(frozen=True, eq=False)
class _Media:
    """A video or numbered images, and how they will be written."""

    content: VideoContent | SequenceContent
    target: VideoTarget | SequenceTarget
    encoding: Encoding | None

    @property
    def clip(self) -> Clip:
        return self.content.clip


def _plan_video(request: Request, content: VideoContent | SequenceContent, target: Target) -> Plan:
    """A video or numbered images, into either."""
    request = replace(request, span=content.clip.resolved(request.span))
    settings = request.effective_settings
    check_range(content, request.span)
    media = _media(request, content, target, settings)
    warn_of_limit(max(media.clip.width, media.clip.height), request)
    shown = output_size(media.clip.width, media.clip.height, request)
    size = work_size(shown, request)
    edit = _edit(request, media, settings, shown) if request.into else None
    tracks = _tracks(request, media, settings, shown) if edit is None else ()
    facts = plan_facts(request, media.content, settings, size)
    if edit is not None:
        facts = insert_facts(request, facts, edit, settings.weights)
    check_kept_work(request, facts)
    plan = Plan(
        request=request,
        settings=settings,
        content=media.content,
        target=media.target,
        size=size,
        shown_size=shown,
        frames=media.content.estimate_count(request.span) if edit is None else len(edit.reencoded),
        facts=facts,
        job=job_id(facts, settings.weights),
        encoding=media.encoding,
        tracks=tracks,
        insert=edit,
    )
    if not is_finished(plan):
        _check_place(plan)
        check_room(plan, also=plan.output.stat().st_size if plan.insert and plan.encoding else 0)
    return plan


def _media(request: Request, content: VideoContent | SequenceContent, target: Target, settings: Settings) -> _Media:
    if isinstance(target, StillTarget) and request.span.one_frame and not request.into:
        target = SequenceTarget(target.path)  # of one picture, whose name has no number
    if isinstance(target, (StillTarget, FolderTarget)):
        raise OutputError(
            target.path,
            f"{content.path} is a film, and one is written as .mp4, .mov, .mkv or .webm, or as numbered pictures: "
            "out.%04d.png; --frames A makes one picture of it",
        )
    if isinstance(target, SequenceTarget):
        target.check_suffix()
        for path in target.files():
            check_regular(path)
    _warn_of_losses(content, target)
    clip = content.clip
    if request.side_by_side:
        clip = replace(clip, marks=Marks())  # two pictures side by side are no 3D
    if clip.hdr is not None and not (settings.iterations or settings.first_iterations):
        clip = replace(clip, hdr=clip.hdr.unlimited())
    encoding = None if isinstance(target, SequenceTarget) else _encoding(request, settings, clip)
    return _Media(replace(content, clip=clip), target, encoding)


def _warn_of_losses(content: VideoContent | SequenceContent, target: VideoTarget | SequenceTarget) -> None:
    """Warn of what a source has and its result cannot have."""
    for loss in content.clip.marks.losses(target.path):
        log.warning(loss)
    if isinstance(content, SequenceContent):
        warn_of_transparency(content, target)
    elif isinstance(target, SequenceTarget):
        if content.has_audio:
            log.warning("numbered pictures have no sound; that of %s is left out", content.path)
        if content.clip.aspect != 1:
            log.warning(
                "%s has pixels %s as wide as high; those of the pictures are square", content.path, content.clip.aspect
            )


def _encoding(request: Request, settings: Settings, clip: Clip) -> Encoding:
    return codecs.choose(
        request.output,
        clip.colors.for_video(),
        settings.codec,
        crf=settings.crf,
        pix_fmt=settings.pix_fmt,
        delivery=settings.delivery,
    )


def _edit(request: Request, media: _Media, settings: Settings, size: tuple[int, int]) -> InsertEdit:
    return plan_insert(request, media.content, media.target, settings, media.encoding, _written(request, size))


def _written(request: Request, size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of what is written: two frames if they stand side by side."""
    return (2 * size[0] if request.side_by_side else size[0]), size[1]


def _check_place(plan: Plan) -> None:
    """See that nothing is in the way; warn if a codec needs even sides."""
    if plan.insert is not None:
        return
    if isinstance(plan.target, SequenceTarget) and not isinstance(plan.content, StillContent):
        check_numbers(plan, plan.content, plan.target)
        warn_of_older(plan, plan.content, plan.target)
        return
    check_free(plan.request)
    if plan.encoding is not None and plan.encoding.padded(plan.written_size) != plan.written_size:
        words = "%dx%d is made even for %s by repeating the last row or column"
        log.warning(words, *plan.written_size, plan.encoding.pixel_format)


def _tracks(request: Request, media: _Media, settings: Settings, size: tuple[int, int]) -> tuple[Track, ...]:
    """What becomes of the other tracks of a video; its container has taken a packet of each."""
    if media.encoding is None:
        return ()
    delivery = codecs.DELIVERIES.get(settings.delivery)
    only, first = (delivery.audio_codecs, delivery.audio_encoder) if delivery is not None else ((), "")
    tracks = tuple(media.content.plan_tracks(request.output, request.span, only, first))
    check_container(request.output, media.clip, _written(request, size), media.encoding, list(tracks))
    return tracks
