"""What else a video file has: its tags, chapters and attachments."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from av.container import InputContainer, OutputContainer
from av.stream import Disposition

if TYPE_CHECKING:
    from av.container.core import Chapter

log = logging.getLogger(__name__)

_TECHNICAL = ("major_brand", "minor_version", "compatible_brands", "encoder", "comment", "duration", "timecode")
_WITH_ATTACHMENTS = (".mkv",)
_CHAPTER_TIME_BASE = Fraction(1, 1000)  # seconds per tick, where a chapter does not say


def add_tags(target: OutputContainer, source: InputContainer) -> None:
    """Copy title, artist, date and the like."""
    target.metadata.update({k: v for k, v in source.metadata.items() if k.lower() not in _TECHNICAL})


def add_attachments(target: OutputContainer, source: InputContainer, output: Path) -> None:
    """Copy fonts and other files inside the source, if `output` can hold them."""
    for stream in source.streams.attachments if output.suffix.lower() in _WITH_ATTACHMENTS else ():
        name = stream.metadata.get("filename", "attachment")
        target.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)


def chapters(source: InputContainer, begin: Fraction, end: Fraction | None) -> list[Chapter]:
    """Return the chapters that reach into [begin, end) seconds, cut to it and counted from its beginning."""
    kept: list[Chapter] = []
    for chapter in source.chapters():
        base = chapter["time_base"] or _CHAPTER_TIME_BASE
        first, last = round(begin / base), chapter["end"] if end is None else min(chapter["end"], round(end / base))
        if first < last and chapter["start"] < last and first < chapter["end"]:
            kept.append({**chapter, "start": max(chapter["start"], first) - first, "end": last - first})
    return kept


def warn_of_losses(source: InputContainer, video: int, output: Path) -> None:
    """Log what of the source `output` will not have, if `video` is the index of the stream that is read."""
    others = [s for s in source.streams.video if s.index != video]
    covers = sum(bool(s.disposition & Disposition.attached_pic) for s in others)
    if covers:
        log.info("the cover image is left out")
    if len(others) > covers:
        log.warning("of %d video tracks the default one, number %d, is used", len(others) - covers + 1, video)
    if source.streams[video].metadata.get("alpha_mode") == "1":
        log.warning("the transparency of the video is left out")
    files = source.streams.attachments
    if files and output.suffix.lower() not in _WITH_ATTACHMENTS:
        log.warning("%s cannot hold the %d attached files; .mkv keeps them", output.suffix, len(files))
