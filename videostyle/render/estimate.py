"""How long a job will take: the rate of the last jobs on this machine, or of a few steps that are tried."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_path

from videostyle.frames import Frame, Pixels, TrackedFrame
from videostyle.plan.plan import Plan
from videostyle.render.engine import NetworkEngine

if TYPE_CHECKING:
    from videostyle.render.engine import AnyEngine, Engine

TRIED = 4  # steps that are timed where no rate is known
TRIAL_SIZE = (128, 72)  # (width, height) at which they are


def estimate_seconds(plan: Plan, engines: Sequence[AnyEngine]) -> float | None:
    """Seconds that the optimizer will take for all frames of a plan; None where nothing says."""
    if not engines or plan.work is None or isinstance(engines[0], NetworkEngine):
        return None
    rate = known_rate(engines[0]) or measure_rate(plan, engines[0])
    workers = 1 if plan.insert else max(1, len(engines))
    return plan.work * plan.size[0] * plan.size[1] * rate / workers


def measure_rate(plan: Plan, engine: Engine) -> float:
    """Seconds of a step for each pixel, from a few steps on noise; remembered for later jobs."""
    from videostyle.style.stylizer import Stylizer

    noise: Pixels = np.random.default_rng(0).integers(0, 256, (*TRIAL_SIZE[::-1], 3), dtype=np.uint8)
    settings = plan.settings.override(first_iterations=TRIED, scales=(1.0,), content_masks=(), style_masks=())
    settings = settings.override(style_scale=(1.0,), style_mix=(1.0,), init="content")
    times: list[float] = []
    stylizer = Stylizer(
        settings, engine.network, [noise], engine.device, lambda cost: times.append(time.perf_counter())
    )
    for stylized in stylizer.stylize([TrackedFrame(Frame(noise, 0, Fraction(1), 1, 0), None)]):
        stylized.losses  # noqa: B018  # waits for the device
    rate: float = (time.perf_counter() - times[0]) / (TRIED - 1) / (noise.shape[0] * noise.shape[1])
    note_rate(engine, rate)
    return rate


def known_rate(engine: Engine) -> float | None:
    """Seconds of a step for each pixel, as it was on this machine last time; None if it is not known."""
    rate = _read().get(_key(engine))
    return rate if isinstance(rate, float) and rate > 0 else None


def note_rate(engine: Engine, rate: float) -> None:
    """Remember seconds of a step for each pixel."""
    path = _path()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_read() | {_key(engine): rate}, indent=1), "utf-8")


def _path() -> Path:
    return user_cache_path("videostyle") / "speed.json"


def _read() -> dict[str, object]:
    try:
        found = json.loads(_path().read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _key(engine: Engine) -> str:
    """What a rate depends on."""
    import torch

    kind = engine.facts["device"]
    threads = f", {torch.get_num_threads()} of {os.cpu_count()} threads" if engine.device.type == "cpu" else ""
    return f"{kind}{threads}, {engine.network.dtype}, torch {torch.__version__}"
