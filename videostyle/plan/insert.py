"""Plan an insert edit, `--frames A:B --into`: what can be rendered again in a finished output, what hangs on it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from videostyle.errors import InputError, OutputError
from videostyle.frames import Frame, Span
from videostyle.journal.digests import file_digest, files_digest, value_digest
from videostyle.journal.facts import Facts
from videostyle.journal.folder import trial_folder
from videostyle.journal.journal import kept_facts
from videostyle.media import provenance, sequence
from videostyle.media.clip import Clip
from videostyle.media.content import SequenceContent, VideoContent
from videostyle.media.existing import TIME_TOLERANCE, Existing, ExistingSequence, ExistingVideo
from videostyle.media.splice import CodecParameters
from videostyle.media.target import SequenceTarget, VideoTarget
from videostyle.media.video.codecs import Encoding
from videostyle.media.writer import VideoWriter
from videostyle.plan.edit import InsertEdit, Provenance
from videostyle.plan.identity import described, job_id, made_by, read_span
from videostyle.plan.request import Request
from videostyle.settings import Settings, names_that_affect

log = logging.getLogger(__name__)


def plan_insert(
    request: Request,
    content: VideoContent | SequenceContent,
    target: VideoTarget | SequenceTarget,
    settings: Settings,
    encoding: Encoding | None,
    size: tuple[int, int],
) -> InsertEdit:
    """What of the output is rendered again.

    Args:
        request: With the range.
        content: What the output was made of.
        target: The output.
        settings: To work with.
        encoding: Of a video.
        size: (width, height) of what is written.

    Raises:
        InputError: That cannot be; the message says what to change.

    """
    output, clip = request.output, content.clip
    existing = target.open_existing(clip.hdr)
    made = _provenance(existing, 0)
    if made.get("preview"):
        raise OutputError(output, "it is a preview; make the film itself, and then a range of it again")
    times, held = _held(request, content, existing, made)
    requested = _requested(request, content, times, held)
    _check_size(output, existing, size if encoding is None else encoding.padded(size))
    if encoding is not None:
        _check_codec(output, clip, size, encoding)
    first, before, after = held.start, requested.start - 1, requested.stop
    encoded = existing.reencoded_range(range(requested.start - first, requested.stop - first))
    return InsertEdit(
        existing=existing,
        held=held,
        requested=requested,
        reencoded=range(encoded.start + first, encoded.stop + first),
        continues_before=before in held and _has_same_look(request, settings, existing, made, before, first),
        continues_after=after in held and _has_same_look(request, settings, existing, made, after, first),
        provenance=made,
        crossfade=request.crossfade,
    )


def _held(
    request: Request, content: VideoContent | SequenceContent, existing: Existing, made: Provenance
) -> tuple[list[Fraction], range]:
    """When each frame of the source is shown, and which of them are in what is finished.

    Raises:
        OutputError: It has other frames, or at other times.

    """
    if request.span.whole:
        raise InputError("--into takes a range: --frames A:B, or --start and --end")
    span, number, indices = _made_span(made, request.output), request.number(content.first_number), list[int]()
    for times in content.possible_times():
        indices = span.indices(times)
        held = _held_by_video(existing, times, indices) if isinstance(existing, ExistingVideo) else _held_by_number(
            existing, times, indices, number
        )  # fmt: skip
        if held:
            return times, held
    raise OutputError(
        request.output,
        f"it has {len(existing.presentation)} frames and {content.path} has {len(indices)}, or other times; "
        "--into needs all of it, or the range that it says it was made of",
    )


def _held_by_video(existing: ExistingVideo, times: Sequence[Fraction], indices: Sequence[int]) -> range:
    """The frames of the source with these indices, if a video has them at the same times; else none."""
    shown = [pts * existing.clip.time_base for pts in existing.presentation]
    same = bool(indices) and _same_intervals([times[index] for index in indices], shown)
    return range(indices[0], indices[-1] + 1) if same else range(0)


def _held_by_number(
    existing: ExistingSequence, times: Sequence[Fraction], indices: Sequence[int], number: int
) -> range:
    """The frames of the source that numbered images are, if they can be; else none.

    Args:
        existing: The images.
        times: When each frame of the source is shown.
        indices: Of the frames that the first image was made with; others may have been made before and after.
        number: Of the image that the source's first frame becomes.

    """
    first = sequence.first_number(existing.clip) - number
    held = range(first, first + len(existing.presentation))
    complete = len(indices) < len(times) or len(held) == len(times)
    return held if complete and first >= 0 and held.stop <= len(times) else range(0)


def _requested(
    request: Request, content: VideoContent | SequenceContent, times: Sequence[Fraction], held: range
) -> range:
    """Indices of the frames that are asked for.

    Raises:
        InputError: There are none.
        OutputError: Some of them are not in what is finished.

    """
    indices = request.span.indices(times)
    if not indices:
        raise InputError(f"no frame of {content.path} lies in the range asked for; it has {len(times)}")
    if indices[0] not in held or indices[-1] not in held:
        begin, end = float(times[held.start]), float(times[held.stop - 1])
        raise OutputError(
            request.output,
            f"it holds the frames {held.start}:{held.stop} of {content.path}, from {begin:.2f} to {end:.2f} s, "
            f"and not all of {indices[0]}:{indices[-1] + 1}; ask for a range within it",
        )
    if 2 * request.crossfade > len(indices):
        raise InputError(
            f"--crossfade {request.crossfade} at both ends is longer than the range of {len(indices)} frames; "
            f"say {len(indices) // 2} at most"
        )
    return range(indices[0], indices[-1] + 1)


def _same_intervals(times: Sequence[Fraction], others: Sequence[Fraction]) -> bool:
    """Whether times are as far apart from each other as others, but for a container's rounding."""
    late = others[0] - times[0] if times and others else 0
    return len(times) == len(others) and all(
        abs(b - a - late) <= TIME_TOLERANCE for a, b in zip(times, others, strict=True)
    )


def _check_size(output: Path, existing: Existing, size: tuple[int, int]) -> None:
    there = existing.clip.width, existing.clip.height
    if size != there:
        raise OutputError(
            output,
            "it is {}x{}, and this would be {}x{}; ".format(*there, *size)
            + f"say --size {max(there)}, and --side-by-side if it was made so",
        )


def _check_codec(output: Path, clip: Clip, size: tuple[int, int], encoding: Encoding) -> None:
    """See that new packets can stand beside the old ones, under one header, by encoding two gray frames."""
    try:
        with trial_folder(output) as folder:
            trial = folder / f"trial-{os.getpid()}{output.suffix}"
            try:
                _encode_gray(trial, clip, size, encoding)
                parameters = CodecParameters.read(trial)
            finally:
                trial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(output, f"{error.strerror}; choose another directory") from error
    if parameters != CodecParameters.read(output):
        raise OutputError(
            output, "it is encoded otherwise; leave --codec, --crf, --pix-fmt and --delivery as they were"
        )


def _encode_gray(path: Path, clip: Clip, size: tuple[int, int], encoding: Encoding) -> None:
    gray = np.full((size[1], size[0], 3), 128, np.uint8)
    duration = clip.usual_duration
    with VideoWriter(path, clip, size, encoding, [], from_zero=True) as writer:
        for index in range(2):
            writer.write(Frame(gray, index * duration, clip.time_base, duration, index))


def _provenance(existing: Existing, index: int) -> Provenance:
    """What a result says of how it was made; of images, the one at an index.

    Raises:
        OutputError: It does not say.

    """
    one = existing.file(index)
    try:
        found = json.loads(provenance.read_comment(one))
        ranges = [_checked_look(part) | _checked_frames(part) for part in found.get("ranges", [])]
        return _checked_look(found) | {"ranges": ranges}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OutputError(one, "it does not say that videostyle made it, and --into is for what it made") from error


def _made_span(made: Provenance, output: Path) -> Span:
    """The range of the source that a result says it was made of; all of it where it says none."""
    try:
        return read_span(made.get("range", {}))
    except (ValueError, TypeError, AttributeError, InputError) as error:
        raise OutputError(output, "the range that it says it was made of cannot be read; make it anew") from error


def _checked_look(found: Provenance) -> dict[str, Any]:
    return {**found, "styles": list(found["styles"]), "settings": dict(found["settings"])}


def _checked_frames(found: Provenance) -> dict[str, Any]:
    first, last = found["frames"]
    if not isinstance(first, int) or not isinstance(last, int):
        raise TypeError(found["frames"])
    return {"frames": [first, last]}


def _has_same_look(
    request: Request, settings: Settings, existing: Existing, made: Provenance, index: int, first: int
) -> bool:
    """Whether the finished frame at an index has the look that is asked for; warns if it has not."""
    if settings.independent or not (settings.iterations or settings.first_iterations):
        return False
    if isinstance(existing, ExistingVideo):
        parts = reversed(made["ranges"])
        there = next((part for part in parts if part["frames"][0] <= index < part["frames"][1]), made)
    else:
        there = _provenance(existing, index - first)
    asked = {"styles": [style.name for style in request.style_files], "settings": described(settings)}
    same = _look(there) == _look(json.loads(json.dumps(asked)))
    if not (same or request.crossfade):
        log.warning("frame %d has another look; the range is not held together with it", index)
    return same


def _look(made: Provenance) -> list[Any]:
    return [made["styles"], *(made["settings"].get(name) for name in names_that_affect("look"))]


def insert_facts(request: Request, facts: Facts, edit: InsertEdit, weights: str) -> Facts:
    """The facts of a job that renders a range of an output again: the rest of that output counts as well."""
    if isinstance(edit.existing, ExistingVideo):
        return facts | {"into": _video_before(request, facts, edit, weights)}
    files = (edit.file(index) for index in edit.held if index not in edit.requested)
    return facts | {"into": value_digest([(path.name, file_digest(path)) for path in files])}


def _video_before(request: Request, facts: Facts, edit: InsertEdit, weights: str) -> str:
    """Digest of the video that the range goes into: before that, if a job to be resumed has done so."""
    now, kept = files_digest([request.output]), (kept_facts(request.output) or {}).get("into")
    ranges: Sequence[Mapping[str, Any]] = edit.provenance.get("ranges") or [{}]
    before = str(ranges[-1].get("into", now))
    finished = made_by(job_id(facts | {"into": before}, weights), request.output)
    return before if request.resume and kept != now and finished else now
