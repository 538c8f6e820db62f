"""What a job's result depends on, by name: kept work is used again only where all of it is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

Facts = dict[str, str]


def fingerprint(facts: Mapping[str, str]) -> str:
    """Facts in short: 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Say what changed, for the facts that are known both times."""
    return [
        name.replace("_", "-") + _change(before[name], now[name])
        for name in now
        if name in before and before[name] != now[name]
    ]


def _change(before: str, now: str) -> str:
    return "" if before.startswith("sha256:") else f" {before} → {now}"
