"""What else a video file has: its tags, chapters and attachments."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.container import InputContainer, OutputContainer
from av.stream import Disposition

from videostyle.media.provenance import is_provenance

if TYPE_CHECKING:
    from av.container.core import Chapter

log = logging.getLogger(__name__)

_TECHNICAL = ("major_brand", "minor_version", "compatible_brands", "encoder", "software", "duration", "timecode")
_QUICKTIME = (".mov",)
_CLASSIC = (  # what .mov has atoms of its own for; all else goes with keys, which fewer programs read
    "title", "artist", "author", "album", "date", "creation_time", "comment", "genre", "copyright", "make", "model",
    "location", "keywords",
)  # fmt: skip
_PLACE = "com.apple.quicktime.location.iso6709"
_KEYED = (*_QUICKTIME, ".mkv", ".webm")
_FREE_TEXT = ("comment", "synopsis", "lyrics", "grouping")  # where .mp4 has room for how a result was made
_WITH_ATTACHMENTS = (".mkv",)
_CHAPTER_TIME_BASE = Fraction(1, 1000)  # seconds per tick, where a chapter does not say


def user_tags(source: InputContainer) -> dict[str, str]:
    """Return title, artist, date and the like: all but what is of the file itself, or says how we made it."""
    found = source.metadata.items()
    own = {name: value for name, value in found if value and name.lower() not in _TECHNICAL}
    return {name: value for name, value in own.items() if not is_provenance(value)}


def add_tags(target: OutputContainer, tags: Mapping[str, str], output: Path, made: str) -> None:
    """Give a file the user's tags, and how it was `made` in a tag that the user has not taken."""
    target.metadata.update(_renamed(tags, output))
    taken = {name.lower() for name in tags}
    places = ("comment", "videostyle") if output.suffix.lower() in _KEYED else _FREE_TEXT
    target.metadata[next((place for place in places if place not in taken), places[-1])] = made


def needs_keys(tags: Mapping[str, str], output: Path) -> bool:
    """Return whether `output` has such tags only as QuickTime's keys: `com.apple.quicktime.make` and others."""
    names = [re.sub(r"-[a-z]{3}$", "", name.lower()) for name in tags]
    return output.suffix.lower() in _QUICKTIME and ("comment" in names or any(n not in _CLASSIC for n in names))


def warn_of_lost_tags(source: InputContainer, trial: Path, output: Path) -> None:
    """Log the user's tags that are not in the file `trial`, which stands for `output`."""
    with av.open(f"file:{trial}", metadata_errors="replace") as made:
        kept = {name.lower() for name in made.metadata}
    lost = [name for name in _renamed(user_tags(source), output) if name.lower() not in kept]
    if lost:
        log.warning("%s cannot hold the tags %s; .mov and .mkv keep them", output.suffix, ", ".join(lost))


def _renamed(tags: Mapping[str, str], output: Path) -> dict[str, str]:
    """Return the tags with the place under the name that `output` has for it, where that is not QuickTime's key."""
    if output.suffix.lower() in _KEYED:
        return dict(tags)
    return {"location" if name.lower() == _PLACE else name: value for name, value in tags.items()}


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
