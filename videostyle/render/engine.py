"""What restyles frames on a device, and how what it is given and gives is arranged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videostyle.frames import Frame, Pixels, Plane, TrackedFrame
from videostyle.media import masks
from videostyle.media.image import still
from videostyle.render.facts import Facts
from videostyle.render.line import Item, Made, Stylize
from videostyle.render.plan import Plan
from videostyle.render.seams import Kept, entry_of
from videostyle.render.states import State, kept, restored
from videostyle.settings import INITS, Settings

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from videostyle.style.features.vgg import VGG19
    from videostyle.style.features.weights import Weights
    from videostyle.style.stylizer import StylizedFrame

OnWork = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class StyleInputs:
    """What a job works from: styles, (H, W, 3) each; what of each counts, (H, W) in [0, 1]; what frames start from."""

    styles: Sequence[Pixels]
    masks: Sequence[Plane]
    init: Pixels | None

    @classmethod
    def load(cls, plan: Plan) -> StyleInputs:
        """Read them."""
        settings = plan.settings
        return cls(
            [still.read_still(style) for style in plan.request.styles],
            [masks.read_mask(Path(mask)) for mask in settings.style_masks],
            None if settings.init in INITS else still.read_still(Path(settings.init)),
        )


@dataclass(frozen=True, eq=False)
class Engine:
    """A network, the device it is on, the name of its weights, and what results depend on of all that."""

    network: VGG19
    device: torch.device
    weights: str
    facts: Facts


def load_engines(settings: Settings) -> list[Engine]:
    """The style room, opened, with an engine on each device: this is where torch loads."""
    from videostyle.style.device import choose_devices
    from videostyle.style.features.layers import layer_shares
    from videostyle.style.features.weights import load

    devices = choose_devices(settings.device)
    weights = load(settings.weights, layer_shares((*settings.content_layers, *settings.style_layers)))
    digest = _digest(weights)
    return [_engine(settings, weights, digest, device) for device in devices]


def _engine(settings: Settings, weights: Weights, digest: str, device: torch.device) -> Engine:
    import torch

    from videostyle.style.device import choose_precision, prepare
    from videostyle.style.features.vgg import VGG19

    prepare(device)
    network = VGG19(
        weights.tensors,
        weights.pooling if settings.pooling == "auto" else settings.pooling,
        device,
        native=weights.pooling,
        dtype=choose_precision(settings.precision, device),
    )
    facts = {
        "weights": f"{weights.identity} ({digest})",
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }
    return Engine(network, device, weights.identity, facts)


def _digest(weights: Weights) -> str:
    found = hashlib.sha256()
    for name in sorted(weights.tensors):
        found.update(weights.tensors[name].numpy().tobytes())
    return found.hexdigest()[:16]


def engine_facts(engines: Sequence[Engine]) -> Facts:
    """Devices of one kind count as one."""
    if not engines:
        return {}
    return engines[0].facts | {"device": ", ".join(sorted({engine.facts["device"] for engine in engines}))}


@dataclass(frozen=True, eq=False)
class Hand:
    """What restyles the steps of a segment; used by one thread, whose work is to be wrapped in `apart`."""

    stylize: Stylize
    apart: Callable[[Iterator[Item]], Iterator[Item]] = iter


def hands_of(plan: Plan, engines: Sequence[Engine], on_work: OnWork, count: int = 1) -> list[Hand]:
    """So many hands, one after another on each engine; without any, what passes frames through."""
    if engines:
        pictures = StyleInputs.load(plan)
        hands = [_styling(plan, pictures, engine, on_work) for engine in islice(cycle(engines), count)]
    else:
        hands = [Hand(_pass_through)] * count
    return [replace(hand, stylize=_arranged(plan, hand.stylize)) for hand in hands]


def _arranged(plan: Plan, stylize: Stylize) -> Stylize:
    stylize = _beside(stylize) if plan.request.side_by_side else stylize
    return stylize if plan.patch is None else _keeping(stylize)


def _styling(plan: Plan, pictures: StyleInputs, engine: Engine, on_work: OnWork) -> Hand:
    from videostyle.style.device import in_own_stream
    from videostyle.style.stylizer import Stylizer

    settings = plan.settings
    stylizer = Stylizer(
        settings,
        engine.network,
        pictures.styles,
        engine.device,
        on_work,
        masks=pictures.masks,
        init=pictures.init,
    )

    def stylize(number: int, steps: Iterable[TrackedFrame], state: State) -> Iterator[Made]:
        past, steps = entry_of(steps)
        seen = steps if number else _mapped(steps, stylizer.salience, plan.request.attention_map)
        left = restored(state, engine.device) if past is None else stylizer.state_from_frames(**vars(past))
        for made in stylizer.stylize(seen, left):
            yield _handed(made, {} if settings.independent else made.state.tensors())

    return Hand(stylize, partial(in_own_stream, device=engine.device))


def _handed(made: StylizedFrame, left: Mapping[str, Tensor]) -> Made:
    return Made(made.content, lambda: made.frame, lambda: made.losses, partial(kept, left))


def _mapped(
    steps: Iterable[TrackedFrame], salience: Callable[[Pixels], Plane], path: Path | None
) -> Iterator[TrackedFrame]:
    """The steps, after what stands out in the first one has been written as a picture, if asked for."""
    for number, step in enumerate(steps):
        if path is not None and number == 0:
            levels = (salience(step.frame.pixels) * 255).round().astype(np.uint8)
            still.write_still(path, np.repeat(levels[..., None], 3, axis=2), "attention")
        yield step


def _pass_through(number: int, steps: Iterable[TrackedFrame], state: State) -> Iterator[Made]:
    return (Made(step.frame, partial(_same, step.frame), dict, dict) for step in steps)


def _same(frame: Frame) -> Frame:
    return frame


def _beside(stylize: Stylize) -> Stylize:
    """The same, with each frame's content to its left."""

    def both(number: int, steps: Iterable[TrackedFrame], state: State) -> Iterator[Made]:
        return (replace(made, frame=partial(_joined, made)) for made in stylize(number, steps, state))

    return both


def _joined(made: Made) -> Frame:
    frame = made.frame()
    alpha = None if frame.alpha is None else np.hstack([frame.alpha, frame.alpha])
    return replace(frame, pixels=np.hstack([made.content.pixels, frame.pixels]), alpha=alpha)


def _keeping(stylize: Stylize) -> Stylize:
    """The same, with the frames that are to stay as they are in between."""

    def both(number: int, steps: Iterable[TrackedFrame], state: State) -> Iterator[Made]:
        for stays, some in groupby(steps, lambda step: isinstance(step, Kept)):
            yield from (_pass_through if stays else stylize)(number, some, state)

    return both
