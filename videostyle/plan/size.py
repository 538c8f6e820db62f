"""How large the result is, and the warnings that go with it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path

from videostyle.frames import fit
from videostyle.media.image import still
from videostyle.network.file import LookHeader
from videostyle.plan.plan import Plan
from videostyle.plan.request import Request
from videostyle.settings import PREVIEW_SIDE, Settings

log = logging.getLogger(__name__)

CPU_LONGEST = 384  # pixels of the longest side by default, without a GPU
SMALLEST = 16  # pixels of the longest side of a preview, at least
SOFT = 1.25  # enlargement of a style beyond which its missing detail shows


def output_size(width: int, height: int, request: Request) -> tuple[int, int]:
    """(width, height) of a frame of the result."""
    longest = max(width, height)
    longest = CPU_LONGEST if _is_limited(longest, request.settings) else request.settings.size or longest
    longest = min(longest, request.settings.max_size or longest)
    return fit(width, height, longest)


def work_size(shown: tuple[int, int], request: Request) -> tuple[int, int]:
    """(width, height) at which a frame is stylized that is shown at another size, maybe."""
    return fit(*shown, max(SMALLEST, round(max(shown) * PREVIEW_SIDE))) if request.preview else shown


def warn_of_limit(longest: int, request: Request) -> None:
    """Warn that a CPU's default size is not the source's, whose longest side has `longest` pixels."""
    if _is_limited(longest, request.settings):
        log.warning(
            "no GPU: the longest side is %d pixels, not %d; say --size %d for all of it", CPU_LONGEST, longest, longest
        )


def warn_of_small_styles(plans: Iterable[Plan]) -> None:
    """Warn once of each style that some plan has to enlarge: it has no detail of that size to give."""
    needed: dict[Path, float] = {}
    for plan in plans:
        for style, scale in zip(plan.request.styles, cycle(plan.settings.style_scale), strict=False):
            side = 0 if plan.is_passthrough else max(plan.size) * scale
            needed[style] = max(needed.get(style, 0), side)
    for style, side in needed.items():
        longest = max(still.style_size(style))
        if side > SOFT * longest:
            log.warning(
                "%s is enlarged from %d to %d pixels and becomes soft; take a larger picture or a lower --style-scale",
                *(style, longest, round(side)),
            )


def warn_of_look_size(plan: Plan) -> None:
    """Warn that a look was trained on frames of another size: its strokes have their size in pixels."""
    if plan.request.network is None:
        return
    trained, longest = LookHeader.read(plan.request.network).size, max(plan.size)
    if not 1 / SOFT <= longest / trained <= SOFT:
        log.warning(
            "%s was trained at %d pixels and not %d: its strokes are of another size; train it with --size %d",
            *(plan.request.network, trained, longest, longest),
        )


def warn_of_further_images(paths: Iterable[Path]) -> None:
    """Warn of each picture that is only the first one of its file."""
    for path in dict.fromkeys(paths):
        if (count := still.count_images(path)) > 1:
            log.warning("%s has %d pictures, and the first one is used", path, count)


def warn_of_unread(paths: Iterable[Path]) -> None:
    """Warn of the pictures in directories that are of kinds that are not read."""
    for path in paths:
        if kinds := still.unread_kinds(path):
            log.warning("of %s these pictures are not read: %s; convert them to .png, .jpg or .tif", path, kinds)


def _is_limited(longest: int, settings: Settings) -> bool:
    return (
        settings.size is None and settings.max_size is None and longest > CPU_LONGEST and not _on_gpu(settings.device)
    )


def _on_gpu(device: str) -> bool:
    """Whether the device is a GPU; this may load torch, to know of one."""
    if device != "auto":
        return device.startswith(("cuda", "mps"))
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available()
