"""What a job is known by: the facts that its result depends on, and what the result says of how it was made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

from videostyle.errors import UnreadableError
from videostyle.frames import Span
from videostyle.journal.digests import files_digest, stats_digest
from videostyle.journal.facts import Facts, fingerprint
from videostyle.media import provenance
from videostyle.media.content import Content, SequenceContent
from videostyle.plan.request import Request
from videostyle.settings import INITS, Settings, named_files, names_that_affect


def plan_facts(request: Request, content: Content, settings: Settings, size: tuple[int, int]) -> Facts:
    """What is known before any work.

    Args:
        request: As it came.
        content: What is restyled.
        settings: To work with.
        size: (width, height) at which frames are stylized.

    """
    values = asdict(settings)
    masks = {name: files_digest([Path(v) for v in values[name]]) for name in ("content_masks", "style_masks")}
    init = {} if settings.init in INITS else {"init": files_digest([Path(settings.init)])}
    return {
        "version": version("videostyle"),
        "av": version("av"),
        "opencv": version("opencv-python-headless"),
        "numpy": version("numpy"),
        "pillow": version("pillow"),
        "content": _content_fact(content),
        "style": files_digest(request.style_files),
        "frame_size": "{}x{}".format(*size),
        "fps": str(request.fps),
        "range": ", ".join(f"{name} {value}" for name, value in describe_span(request.span).items()),
        "side_by_side": str(request.side_by_side),
        "container": request.output.suffix.lower(),
        **({"preview": "True"} if request.preview else {}),
        **({} if request.crossfade == 0 else {"crossfade": str(request.crossfade)}),
        **({} if request.gaps == "refuse" else {"gaps": request.gaps}),
        **({} if request.sound is None else {"sound": files_digest([request.sound])}),
        **({} if request.first_number is None else {"first_number": str(request.first_number)}),
        **{name: str(values[name]) for name in names_that_affect("look", "result", "file")},
        **masks,
        **init,
    }


def _content_fact(content: Content) -> str:
    return stats_digest(content.files()) if isinstance(content, SequenceContent) else files_digest(content.files())


def job_id(facts: Facts, weights: str) -> str:
    """What a result is known by: its facts, and the weights that were asked for by name or file."""
    path = Path(weights)
    return fingerprint(facts | {"weights": files_digest([path]) if path.suffix else weights})


def made_by(job: str, result: Path) -> bool:
    """Whether a file is there that says that this job made it."""
    try:
        return result.is_file() and f'"job":"{job}"' in provenance.read_comment(result)
    except UnreadableError:
        return False


def described(settings: Settings) -> dict[str, Any]:
    """The settings as a result says them: files by name and digest, never by where they are."""
    return {name: _described(name, value) for name, value in asdict(settings).items()}


def _described(name: str, value: Any) -> Any:
    files = named_files(name, value)
    if not files:
        return value
    found = [{"name": Path(file).name, "digest": files_digest([Path(file)])} for file in files]
    return found if isinstance(value, tuple) else found[0]


def describe_span(span: Span) -> dict[str, str]:
    """A range as a result says it, by the names of its parts; `read_span` reads it again."""
    return {name: str(value) for name, value in asdict(span).items() if value is not None}


def read_span(found: Mapping[str, str]) -> Span:
    """Undo `describe_span`.

    Raises:
        ValueError, TypeError, AttributeError, InputError: It describes none.

    """
    if not all(re.fullmatch(r"-?\d{1,99}(/[1-9]\d{0,98})?", value) for value in found.values()):
        raise ValueError(found)  # a number that takes long to read, too
    read: dict[str, Any] = {
        name: int(value) if name in ("first", "last") else Fraction(value) for name, value in found.items()
    }
    return Span(**read)


def provenance_of(job: str, weights: str, request: Request, size: tuple[int, int]) -> str:
    """How a result was made, for its metadata: one line of JSON that `--config` reads again.

    Args:
        job: What it is known by.
        weights: Name of the weights.
        request: What was asked for; of a preview the settings are those of the final result.
        size: (width, height) of a frame of the result.

    """
    values = described(request.settings)
    kept = {name: value for name, value in values.items() if name not in names_that_affect("place")}
    made = {
        "videostyle": version("videostyle"),
        "job": job,
        "weights": weights,
        "styles": [style.name for style in request.style_files],
        **({"preview": True} if request.preview else {}),
        **({} if request.span.whole else {"range": describe_span(request.span)}),
        "settings": kept | {"size": max(size)},
    }
    return json.dumps(made, separators=(",", ":"))
