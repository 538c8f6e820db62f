"""Mistakes that are easily made, named before the work: flags of another kind, ranges beyond the end, odd masks."""

from __future__ import annotations

import logging
from pathlib import Path

from videostyle.errors import InputError
from videostyle.frames import Span
from videostyle.media.content import Content, SequenceContent, StillContent, VideoContent, open_content
from videostyle.media.target import SequenceTarget, Target, VideoTarget
from videostyle.plan.request import Request
from videostyle.settings import Settings

log = logging.getLogger(__name__)

SHAPE = 1.02  # of a mask's width over its height to that of the content, beyond which it is told that it is stretched


def check_kinds(request: Request, content: Content, target: Target) -> None:
    """See that flags for numbered images come with these.

    Raises:
        InputError: One comes with something else.

    """
    numbered = isinstance(content, SequenceContent)
    if request.fps is not None and not numbered:
        raise InputError("--fps is for numbered pictures; anything else has its own times")
    if request.gaps != "refuse" and not numbered:
        raise InputError("--gaps is for numbered pictures as CONTENT")
    if request.sound is not None and not (numbered and isinstance(target, VideoTarget) and not request.into):
        raise InputError("--sound is for numbered pictures that become a film; a film keeps its own sound")
    if request.first_number is not None and not isinstance(target, SequenceTarget):
        raise InputError("--first-number is for numbered pictures as OUTPUT, as out.%04d.png")
    if request.first_number is not None and request.first_number < 0:
        raise InputError("--first-number is 0 or more")


def check_range(content: VideoContent | SequenceContent, span: Span) -> None:
    """See that a range holds a frame, as far as the packets tell.

    Raises:
        InputError: It lies beyond the end; the message says in seconds or frames where that is, as it was asked.

    """
    if not _seems_beyond(content, span):
        return
    times = next(content.possible_times())
    if span.indices(times):
        return
    seconds = span.start is not None or span.end is not None
    length = f"it ends at {float(max(times, default=0)):.2f} s" if seconds else f"it has {len(times)} frames"
    raise InputError(f"no frame of {content.path} lies in the range asked for; {length}")


def _seems_beyond(content: VideoContent | SequenceContent, span: Span) -> bool:
    frames, rate = content.clip.frames or 0, content.clip.rate
    return span.first >= frames or (span.start or 0) * rate >= frames


def warn_of_masks(settings: Settings, content: Content, span: Span) -> None:
    """Warn of content masks that have another shape than the content, or fewer frames."""
    for path in settings.content_masks:
        mask = open_content(Path(path))
        (width, height), (w, h) = content.size, mask.size
        if not 1 / SHAPE < (w / h) / (width / height) < SHAPE:
            log.warning("the mask %s is %dx%d and %s %dx%d; it is stretched", path, w, h, content.path, width, height)
        if not isinstance(mask, StillContent) and not isinstance(content, StillContent):
            _warn_of_length(mask, content, span)


def _warn_of_length(mask: VideoContent | SequenceContent, content: VideoContent | SequenceContent, span: Span) -> None:
    there, wanted = mask.estimate_count(span), content.estimate_count(span)
    if there is not None and wanted is not None and there < wanted:
        log.warning("the mask %s has %d frames and %s %d; its last one stays", mask.path, there, content.path, wanted)
