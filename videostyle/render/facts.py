"""What a job's result depends on, so that work of another job is never mixed in."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.errors import UnreadableError
from videostyle.media import sequence
from videostyle.settings import INITS

if TYPE_CHECKING:
    from videostyle.render.plan import Plan

Facts = dict[str, str]

WHOLE = 64 << 20  # bytes up to which a file is known by all of its content; beyond, by samples of it
_PIECE = 1 << 16
_PIECES = 256
PLACE = ("device", "workers")  # settings of where a job is done, not of what it makes
_IDLE = ("report", "weights", *PLACE)  # change nothing, or the engine's facts tell better


def plan_facts(plan: Plan) -> Facts:
    """What is known before any work."""
    request, settings = plan.request, asdict(plan.settings)
    named = {name: digest([Path(value) for value in settings[name]]) for name in ("content_masks", "style_masks")}
    if settings["init"] not in INITS:
        named["init"] = digest([Path(settings["init"])])
    return {
        "version": version("videostyle"),
        "av": version("av"),
        "opencv": version("opencv-python-headless"),
        "content": _content_digest(request.content),
        "style": digest(request.styles),
        "size": "{}x{}".format(*plan.size),
        "fps": str(request.fps),
        "range": _words(asdict(request.span)),
        "side_by_side": str(request.side_by_side),
        "container": request.output.suffix.lower(),
        **{name: str(value) for name, value in settings.items() if name not in _IDLE},
        **named,
    }


def weights_asked(weights: str) -> str:
    """Which weights a job wants, without reading much of them: a name, or the digest of a file."""
    path = Path(weights)
    return digest([path]) if path.suffix else weights


def fingerprint(facts: Mapping[str, str]) -> str:
    """Facts in short."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What changed, in words; only facts that are known both times count."""
    return [
        name.replace("_", "-") + _change(before[name], now[name])
        for name in now
        if name in before and before[name] != now[name]
    ]


def file_digest(path: Path) -> str:
    """SHA-256 of a file: of its content up to `WHOLE`, beyond that of its size, its time and samples of its content.

    Raises:
        UnreadableError: It is not there any more.

    """
    try:
        status = path.stat()
        with path.open("rb") as file:
            whole = status.st_size <= WHOLE
            return hashlib.file_digest(file, "sha256").hexdigest() if whole else _sampled(file, status)
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error)) from error


def _sampled(file: BufferedReader, status: os.stat_result) -> str:
    found = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode())
    for piece in range(_PIECES):
        file.seek((status.st_size - _PIECE) * piece // (_PIECES - 1))
        found.update(file.read(_PIECE))
    return found.hexdigest()


def digest(paths: Sequence[Path]) -> str:
    """Files in short, as a fact."""
    digests = [file_digest(path) for path in paths]
    return f"sha256:{digests[0]}" if len(digests) == 1 else words_digest(digests)


def words_digest(words: object) -> str:
    """Anything that reads the same each time in short, as a fact."""
    return "sha256:" + hashlib.sha256(repr(words).encode()).hexdigest()


def _content_digest(content: Path) -> str:
    """Of a film or of numbered pictures, each of these by its size and time."""
    if not sequence.is_sequence(content):
        return digest([content])
    files = sequence.files(content)
    return words_digest([(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files])


def _words(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)


def _change(before: str, now: str) -> str:
    return "" if before.startswith("sha256:") else f" {before} → {now}"
