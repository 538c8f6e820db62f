"""A range of a finished film, to be made anew: `--frames A:B --into`. What can be made, what is touched by it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from videostyle.errors import InputError, OutputError
from videostyle.frames import Frame, Pixels, Span
from videostyle.media import provenance, reader, sequence
from videostyle.media.clip import Clip
from videostyle.media.existing import TIME_TOLERANCE, Existing, ExistingSequence, ExistingVideo, packet_timings
from videostyle.media.splice import CodecParameters
from videostyle.media.writer import VideoWriter
from videostyle.render.facts import digest, file_digest, plan_facts, words_digest
from videostyle.render.journal import kept_facts, kept_segments, state_folder, trial_folder
from videostyle.render.preflight import check_room, made_by, with_facts

if TYPE_CHECKING:
    from videostyle.media.video.codecs import Encoding
    from videostyle.render.plan import Plan

log = logging.getLogger(__name__)

LOOK = (
    "style_scale", "style_mix", "style_loss", "normalization", "content_layers", "style_layers", "pooling", "color",
    "content_masks", "style_masks", "attention", "match_weight",
)  # fmt: skip  # settings of another style; the others make the same one stronger, steadier or better

Made = Mapping[str, Any]  # what a result says of how it was made


@dataclass(frozen=True, eq=False)
class Patch:
    """Which frames of what is finished are made anew.

    Args:
        finished: The film, or the pictures, as they are.
        wanted: The frames to be made.
        touched: The frames to be encoded: these, and those whose packets hang together with theirs.
        follows: The first one follows the finished one before it.
        leads: The last ones lead to the finished one after them.
        made: What the film says of how it was made.

    """

    finished: Existing
    wanted: range
    touched: range
    follows: bool
    leads: bool
    made: Made

    @property
    def reach(self) -> Span:
        """The frames of the source that tell of these."""
        from videostyle.motion.shots import FLASH, LOOKAHEAD

        return Span(last=max(self.touched.stop, self.wanted.stop + 1 + LOOKAHEAD + FLASH))

    def picture(self, place: int, size: tuple[int, int]) -> Pixels:
        """The finished frame at a place, without what was added to its right and below, or to its left."""
        (pixels,) = self.finished.read(range(place, place + 1))
        return pixels[: size[1], -size[0] :]


def plan_patch(plan: Plan, clip: Clip) -> Plan:
    """The plan with what of OUTPUT is to be made anew, and with its facts.

    Raises:
        InputError: That cannot be; the message says what to change.

    """
    output = plan.request.output
    many = sequence.is_sequence(output)
    finished = ExistingSequence.open(output) if many else ExistingVideo.open(output, clip.hdr)
    wanted = _wanted(plan.request.span, clip, finished, output)
    made = _made(output, finished, wanted.start)
    _check_size(plan, finished)
    if plan.encoding is not None:
        _check_coding(plan, clip, plan.encoding)
    follows = wanted.start > 0 and _fits(plan, finished, made, wanted.start - 1)
    leads = wanted.stop < len(finished.presentation) and _fits(plan, finished, made, wanted.stop)
    touched = finished.reencoded_range(wanted)
    patch = Patch(finished, wanted, touched, follows, leads, made)
    return _with_facts(replace(plan, frames=len(touched), patch=patch), patch)


def _wanted(span: Span, clip: Clip, finished: Existing, output: Path) -> range:
    """The places of the frames that are asked for.

    Raises:
        InputError: There are none, or what is finished is not of this source.

    """
    if span.whole:
        raise InputError("--into takes a range: --frames A:B, or --start and --end")
    times = _common_times(clip, finished, output)
    places = span.indices(times)
    if not places:
        raise InputError(f"no frame of {clip.path} lies in the range asked for; it has {len(times)}")
    return range(places[0], places[-1] + 1)


def _common_times(clip: Clip, finished: Existing, output: Path) -> list[Fraction]:
    """When each frame of the source is shown, if what is finished has the same frames at the same times."""
    shown = _seconds(finished.presentation, finished.clip)
    found: list[Fraction] = []
    for found in possible_times(clip):
        if isinstance(finished, ExistingVideo):
            if _alike(found, shown):
                return found
        elif len(found) == len(shown) and finished.clip.first_number == sequence.first_number(clip):
            return found
    raise OutputError(
        output, f"it has {len(shown)} frames and {clip.path} has {len(found)}, or other times; --into needs all of it"
    )


def possible_times(clip: Clip) -> Iterator[list[Fraction]]:
    """When each frame is shown, in seconds: what the packets of a film say, and if that is not it, what it shows.

    The first is known at once; what is shown of a damaged film is only known by decoding it all.
    """
    if clip.is_sequence:
        yield [place / clip.rate for place in range(clip.frames or 0)]
        return
    yield _seconds(sorted(packet.pts for packet in packet_timings(clip.path)), clip)
    yield _seconds(reader.read_times(clip), clip)


def _seconds(ticks: Sequence[int], clip: Clip) -> list[Fraction]:
    return [tick * clip.time_base - clip.start for tick in ticks]


def _alike(times: Sequence[Fraction], others: Sequence[Fraction]) -> bool:
    """Whether they are as far apart from each other, but for a container's rounding."""
    late = others[0] - times[0] if times and others else 0
    return len(times) == len(others) and all(
        abs(b - a - late) <= TIME_TOLERANCE for a, b in zip(times, others, strict=True)
    )


def _check_size(plan: Plan, finished: Existing) -> None:
    made = plan.written_size if plan.encoding is None else plan.encoding.padded(plan.written_size)
    there = finished.clip.width, finished.clip.height
    if made != there:
        raise OutputError(
            plan.request.output,
            "it is {}x{}, and this would be {}x{}; ".format(*there, *made)
            + f"say --size {max(there)}, and --side-by-side if it was made so",
        )


def _check_coding(plan: Plan, clip: Clip, encoding: Encoding) -> None:
    """See that new packets can stand beside the old ones, under one header, by encoding two gray frames."""
    output, (width, height) = plan.request.output, plan.written_size
    folder = state_folder(output)
    trial = folder / f"trial-{os.getpid()}{output.suffix}"
    gray = np.full((height, width, 3), 128, np.uint8)
    try:
        with trial_folder(folder):
            try:
                with VideoWriter(trial, clip, plan.written_size, encoding, [], from_zero=True) as writer:
                    for place in range(2):
                        writer.write(Frame(gray, place * _usual(clip), clip.time_base, _usual(clip), place))
                coding = CodecParameters.read(trial)
            finally:
                trial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(output, f"{error.strerror}; choose another directory") from error
    if coding != CodecParameters.read(output):
        raise OutputError(
            output, "it is encoded otherwise; leave --codec, --crf, --pix-fmt and --delivery as they were"
        )


def _usual(clip: Clip) -> int:
    return max(1, round(1 / (clip.rate * clip.time_base)))


def _made(output: Path, finished: Existing, place: int) -> Made:
    """What a result says of how it was made; of pictures, the one at a place.

    Raises:
        OutputError: It does not say.

    """
    one = finished.file(place)
    try:
        found = json.loads(provenance.read_comment(one))
        return _told_look(found) | {
            "ranges": [_told_look(part) | _told_frames(part) for part in found.get("ranges", [])]
        }
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(one, "it does not say that videostyle made it, and --into is for what it made") from error


def _told_look(found: Made) -> dict[str, Any]:
    return {**found, "styles": list(found["styles"]), "settings": dict(found["settings"])}


def _told_frames(found: Made) -> dict[str, Any]:
    first, last = found["frames"]
    if not isinstance(first, int) or not isinstance(last, int):
        raise TypeError(found["frames"])
    return {"frames": [first, last]}


def _fits(plan: Plan, finished: Existing, made: Made, place: int) -> bool:
    """Whether the finished frame at a place has the look that is asked for; that it has not is told."""
    if plan.untouched or plan.settings.independent:
        return False
    if isinstance(finished, ExistingVideo):
        parts = reversed(made["ranges"])
        there = next((part for part in parts if part["frames"][0] <= place < part["frames"][1]), made)
    else:
        there = _made(plan.request.output, finished, place)
    asked = {"styles": [style.name for style in plan.request.styles], "settings": asdict(plan.settings)}
    same = _look(there) == _look(json.loads(json.dumps(asked)))
    if not same:
        log.warning("frame %d has another look; the range is not held together with it", place)
    return same


def _look(made: Made) -> list[Any]:
    return [made["styles"], *(made["settings"].get(name) for name in LOOK)]


def _with_facts(plan: Plan, patch: Patch) -> Plan:
    """As `preflight.with_facts`; what the range goes into counts as well."""
    output = plan.request.output
    if isinstance(patch.finished, ExistingVideo):
        plan = with_facts(plan, [output], {"into": _film_before(plan, patch)})
    else:
        files = sequence.files(output)
        stay = [(path.name, file_digest(path)) for place, path in enumerate(files) if place not in patch.wanted]
        new = [] if kept_segments(output) else files[patch.wanted.start : patch.wanted.stop]
        plan = with_facts(plan, new, {"into": words_digest(stay)})
    if not plan.finished:
        check_room(plan, also=0 if plan.encoding is None else output.stat().st_size)
    return plan


def _film_before(plan: Plan, patch: Patch) -> str:
    """Digest of the film that the range goes into: before that, if a job to be resumed has done so."""
    output = plan.request.output
    now, kept = digest([output]), (kept_facts(output) or {}).get("into")
    ranges = patch.made.get("ranges") or [{}]
    before = ranges[-1].get("into", now)
    finished = made_by(replace(plan, facts=plan_facts(plan) | {"into": before}).job, output)
    return before if plan.request.resume and kept != now and finished else now


def with_range(patch: Patch, into: str, said: str) -> str:
    """How a film with a new range was made, for its metadata; `said` tells that of the range, `into` what it is in."""
    part = {"frames": [patch.wanted.start, patch.wanted.stop], "into": into, **json.loads(said)}
    return json.dumps({**patch.made, "ranges": [*patch.made["ranges"], part]}, separators=(",", ":"))
