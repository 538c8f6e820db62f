"""What a job's result depends on, so that work of another job is never mixed in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.media import sequence
from videostyle.settings import INITS

if TYPE_CHECKING:
    from videostyle.render.plan import Plan

Facts = dict[str, str]

WHOLE = 64 << 20  # bytes up to which a file is known by all of its content; beyond, by samples of it
_PIECE = 1 << 16
_PIECES = 256
_IDLE = ("report", "weights", "device", "workers")  # change nothing, or the engine's facts tell better


def plan_facts(plan: Plan) -> Facts:
    """What is known before any work."""
    request, settings = plan.request, asdict(plan.settings)
    named = {name: _digest([Path(value) for value in settings[name]]) for name in ("content_masks", "style_masks")}
    if settings["init"] not in INITS:
        named["init"] = _digest([Path(settings["init"])])
    return {
        "version": version("videostyle"),
        "av": version("av"),
        "opencv": version("opencv-python-headless"),
        "content": _content_digest(request.content),
        "style": _digest(request.styles),
        "size": "{}x{}".format(*plan.size),
        "fps": str(request.fps),
        "range": _words(asdict(request.span)),
        "side_by_side": str(request.side_by_side),
        "container": request.output.suffix.lower(),
        **{name: str(value) for name, value in settings.items() if name not in _IDLE},
        **named,
    }


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
    """SHA-256 of a file: of its content up to `WHOLE`, beyond that of its size, its time and samples of its content."""
    status = path.stat()
    with path.open("rb") as file:
        if status.st_size <= WHOLE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        found = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode())
        for piece in range(_PIECES):
            file.seek((status.st_size - _PIECE) * piece // (_PIECES - 1))
            found.update(file.read(_PIECE))
    return found.hexdigest()


def _content_digest(content: Path) -> str:
    """Of a film or of numbered pictures, each of these by its size and time."""
    if not sequence.is_sequence(content):
        return _digest([content])
    files = sequence.files(content)
    statuses = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return "sha256:" + hashlib.sha256(repr(statuses).encode()).hexdigest()


def _digest(paths: Sequence[Path]) -> str:
    digests = [file_digest(path) for path in paths]
    return "sha256:" + (digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest())


def _words(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)


def _change(before: str, now: str) -> str:
    return "" if before.startswith("sha256:") else f" {before} → {now}"
