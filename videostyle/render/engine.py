"""Networks loaded onto devices: what all workers of a job share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from videostyle.frames import Pixels, Plane
from videostyle.journal.facts import Facts
from videostyle.media import masks
from videostyle.media.image import still
from videostyle.settings import INITS, Settings

if TYPE_CHECKING:  # torch takes seconds to load, and is not needed where pixels pass through
    import torch

    from videostyle.network.file import LookHeader
    from videostyle.network.net import StyleNetwork
    from videostyle.style.features.vgg import VGG19
    from videostyle.style.features.weights import Weights


@dataclass(frozen=True, eq=False)
class StyleInputs:
    """The images that a job works from.

    Args:
        styles: (H, W, 3) each.
        masks: (H, W) in [0, 1] for each style, how much of it counts where; empty for all of each.
        init: (H, W, 3), what fresh frames start from; None unless the settings name a file.

    """

    styles: Sequence[Pixels]
    masks: Sequence[Plane]
    init: Pixels | None

    @classmethod
    def load(cls, styles: Sequence[Path], settings: Settings) -> StyleInputs:
        """Read them."""
        return cls(
            [still.read_still(style) for style in styles],
            [masks.read_mask(Path(mask)) for mask in settings.style_masks],
            None if settings.init in INITS else still.read_still(Path(settings.init)),
        )


@dataclass(frozen=True, eq=False)
class Engine:
    """A network on a device, the name of its weights, and the facts that results depend on."""

    network: VGG19
    device: torch.device
    weights: str
    facts: Facts


@dataclass(frozen=True, eq=False)
class NetworkEngine:
    """A trained network on a device, what its file says, and the facts that results depend on."""

    network: StyleNetwork
    header: LookHeader
    device: torch.device
    weights: str
    facts: Facts


AnyEngine: TypeAlias = "Engine | NetworkEngine"


def load_look(settings: Settings, look: Path) -> list[NetworkEngine]:
    """Load a look file onto each device that the settings name; this is where torch loads."""
    from videostyle.network.file import load_network
    from videostyle.network.net import folded
    from videostyle.style.device import choose_devices, choose_precision, prepare

    network, header = load_network(look)
    engines = []
    for device in choose_devices(settings.device):
        prepare(device)
        on_device = folded(network).to(device, choose_precision(settings.precision, device))
        facts = {"weights": look.name, **_machine_facts(device)}
        engines.append(NetworkEngine(on_device, header, device, look.name, facts))
    return engines


def load_engines(settings: Settings) -> list[Engine]:
    """Load the network that the settings name onto each of their devices; this is where torch loads."""
    from videostyle.style.device import choose_devices
    from videostyle.style.features.layers import layer_shares
    from videostyle.style.features.weights import load

    devices = choose_devices(settings.device)
    weights = load(settings.weights, layer_shares((*settings.content_layers, *settings.style_layers)))
    digest = _digest(weights)
    return [_engine(settings, weights, digest, device) for device in devices]


def _engine(settings: Settings, weights: Weights, digest: str, device: torch.device) -> Engine:
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
    facts = {"weights": f"{weights.identity} ({digest})", **_machine_facts(device)}
    return Engine(network, device, weights.identity, facts)


def _machine_facts(device: torch.device) -> Facts:
    import torch

    return {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "threads": f"OMP_NUM_THREADS={torch.get_num_threads()}" if device.type == "cpu" else "any",
    }


def _digest(weights: Weights) -> str:
    found = hashlib.sha256()
    for name in sorted(weights.tensors):
        found.update(weights.tensors[name].numpy().tobytes())
    return found.hexdigest()[:16]


def engine_facts(engines: Sequence[AnyEngine]) -> Facts:
    """The facts of all engines; devices of one kind count as one."""
    if not engines:
        return {}
    return engines[0].facts | {"device": ", ".join(sorted({engine.facts["device"] for engine in engines}))}
