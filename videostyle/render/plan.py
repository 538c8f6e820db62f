"""What a job will do, settled and checked before any work: nothing here loads torch unless the device decides."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from videostyle.errors import InputError, OutputError, SettingError, UnreadableError
from videostyle.frames import fit
from videostyle.media import matte, sound, source, still, writer
from videostyle.media.sound import Track
from videostyle.media.source import Clip, Span
from videostyle.settings import INITS, PREVIEW_SIDE, Settings
from videostyle.style.layers import layer_shares
from videostyle.style.schedule import fresh_work

log = logging.getLogger(__name__)

CPU_LONGEST = 384  # default longest side without a GPU


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    Args:
        content: A video or a picture.
        styles: One picture or more.
        output: A video for a video, a picture for a picture.
        settings: How.
        span: Which frames of a video.
        preview: A fast draft of the same look: quarter the pixels, fewer steps.
        overwrite: An output that exists may be replaced.
        attention_map: Where to write what stands out in the first frame, as a picture.

    """

    content: Path
    styles: tuple[Path, ...]
    output: Path
    settings: Settings
    span: Span = Span()
    preview: bool = False
    overwrite: bool = False
    attention_map: Path | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """A request that can be met.

    Args:
        request: As it came.
        settings: With the preview's fewer steps.
        size: (width, height) of the result as shown.
        clip: The source; None for a still.
        tracks: What becomes of the sound.
        frames: Estimate, for progress; None where nothing tells.

    """

    request: Request
    settings: Settings
    size: tuple[int, int]
    clip: Clip | None
    tracks: tuple[Track, ...]
    frames: int | None

    @property
    def untouched(self) -> bool:
        """No step is to be taken anywhere: pixels pass through."""
        return not (self.settings.iterations or self.settings.first_iterations)

    @property
    def work(self) -> float | None:
        """Estimated cost in steps at full size, with no cut but the first."""
        if self.frames is None:
            return None
        first = fresh_work(self.settings, max(self.size))
        follow = first if self.settings.independent else self.settings.iterations
        return first + follow * (self.frames - 1)


def make_plan(request: Request) -> Plan:
    """Check everything that can be checked.

    Raises:
        InputError: The request cannot be met as asked; the message says what to change.

    """
    _check_paths(request)
    _check_layers(request.settings)
    _check_pictures(request)
    settings = request.settings.previewed() if request.preview else request.settings
    for style in request.styles:
        still.picture_size(style)
    if still.is_still(request.content):
        return _plan_still(request, settings)
    return _plan_video(request, settings)


def _plan_still(request: Request, settings: Settings) -> Plan:
    if request.output.suffix.lower() not in still.WRITABLE:
        raise OutputError(request.output, f"a picture is written as one of {', '.join(still.WRITABLE)}")
    if not request.span.whole:
        raise InputError("--frames, --start and --end are for videos; a picture has one frame")
    size = _output_size(*still.picture_size(request.content), request)
    return Plan(request, settings, size, None, (), 1)


def _plan_video(request: Request, settings: Settings) -> Plan:
    if still.is_still(request.output):
        raise OutputError(request.output, "a video is written as a video: .mp4, .mov or .mkv")
    clip = source.probe(request.content)
    size = _output_size(clip.width, clip.height, request)
    if settings.codec == "h264" and any(side % 2 for side in size):
        log.warning("%dx%d is made even for H.264 by repeating the last row or column", *size)
    tracks = tuple(sound.plan_tracks(request.content, request.output))
    writer.check_output(request.output, clip, size, settings.codec, list(tracks))
    return Plan(request, settings, size, clip, tracks, _frames_in(request.span, clip))


def _check_paths(request: Request) -> None:
    output = request.output
    for path in (request.content, *request.styles):
        if not path.exists():
            raise UnreadableError(path, "there is no such file")
        if output.exists() and os.path.samefile(path, output):
            raise OutputError(output, "it is an input of this very job; choose another name")
    for style in request.styles:
        if not still.is_still(style):
            raise UnreadableError(style, f"a style is a picture: one of {', '.join(still.READABLE)}")
    if output.is_dir():
        raise OutputError(output, "it is a directory; name the file to write")
    if not output.parent.is_dir():
        raise OutputError(output, f"there is no directory {output.parent}; make it first")
    if output.exists() and not request.overwrite:
        raise OutputError(output, "it exists; choose another name or say --overwrite")


def _check_layers(settings: Settings) -> None:
    for name in ("content_layers", "style_layers"):
        try:
            layer_shares(getattr(settings, name))
        except ValueError as error:
            raise SettingError(name, ", ".join(getattr(settings, name)), f"VGG19 activations ({error})") from error
    if settings.normalization == "none" and settings.style_loss != "gram":
        raise SettingError("normalization", "none", "energy, or none with the style loss gram")


def _check_pictures(request: Request) -> None:
    """Everything that comes one for each style, and the pictures that settings name."""
    settings, count = request.settings, len(request.styles)
    for name in ("style_scale", "style_mix"):
        if len(getattr(settings, name)) not in (1, count):
            raise SettingError(name, getattr(settings, name), f"one number, or one for each of the {count} styles")
    for name in ("content_masks", "style_masks"):
        if len(getattr(settings, name)) not in (0, count):
            raise SettingError(name, getattr(settings, name), f"one file for each of the {count} styles")
    for mask in settings.content_masks:
        matte.check_matte(Path(mask))
    for picture in (*settings.style_masks, *([] if settings.init in INITS else [settings.init])):
        still.picture_size(Path(picture))
    if request.attention_map and not still.is_still(request.attention_map):
        raise OutputError(request.attention_map, f"a map is a picture: one of {', '.join(still.WRITABLE)}")


def _output_size(width: int, height: int, request: Request) -> tuple[int, int]:
    """(width, height) of the result; the default is told, since a CPU's is not the source's."""
    longest = request.settings.size or max(width, height)
    if request.settings.size is None and longest > CPU_LONGEST and not _on_gpu(request.settings.device):
        log.warning(
            "no GPU: the longest side is %d pixels, not %d; say --size %d for all of it", CPU_LONGEST, longest, longest
        )
        longest = CPU_LONGEST
    if request.preview:
        longest = max(16, round(longest * PREVIEW_SIDE))
    return fit(width, height, longest)


def _on_gpu(device: str) -> bool:
    if device != "auto":
        return device.startswith("cuda")
    import torch

    return torch.cuda.is_available()


def _frames_in(span: Span, clip: Clip) -> int | None:
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


def parse_frames(text: str) -> tuple[int, int | None]:
    """`A:B`, `A:` or `:B` → first frame and the one after the last."""
    match = re.fullmatch(r"(\d*):(\d*)", text.strip())
    if match is None or text.strip() == ":":
        raise InputError(f"--frames {text!r} is no range; say A:B, for example 0:24")
    return int(match[1] or 0), int(match[2]) if match[2] else None


def parse_time(text: str) -> Fraction:
    """Seconds, or HH:MM:SS.mmm, or MM:SS → exact seconds."""
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)", text.strip())
    if match is None:
        raise InputError(f"{text!r} is no time; say seconds or HH:MM:SS.mmm, for example 00:01:02.5")
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + Fraction(match[3])


def make_span(frames: str | None, start: str | None, end: str | None) -> Span:
    """A span from the words of the command line."""
    first, last = parse_frames(frames) if frames is not None else (0, None)
    return Span(
        first,
        last,
        parse_time(start) if start is not None else None,
        parse_time(end) if end is not None else None,
    )


def as_paths(style: Path | str | Sequence[Path | str]) -> tuple[Path, ...]:
    """One style or several, as paths."""
    return (Path(style),) if isinstance(style, (str, Path)) else tuple(Path(s) for s in style)
