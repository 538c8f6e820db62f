"""A look file: a trained network, and what it says of itself. Nothing in it is unpickled."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from safetensors import SafetensorError, safe_open

from videostyle.errors import UnreadableError

if TYPE_CHECKING:
    from videostyle.network.net import StyleNetwork

SUFFIX = ".safetensors"
FORMAT = 1  # raised when a file of this version could not be read by the one before
_HEADER = "videostyle"  # the metadata entry
_LARGEST_HEADER = 100_000  # characters


@dataclass(frozen=True)
class LookHeader:
    """What a look file says of itself.

    Args:
        styles: Name and SHA-256 of each painting.
        size: Longest side in pixels of the frames that it was trained on; it paints strokes of that size.
        width, dilations: Of the network: see `net.Shape`.
        seed: Of its noise.
        settings: That it was trained with.
        steps: That it took.
        losses: What was left of each loss at the end, over frames that it never learned from.
        version: Of videostyle.

    """

    styles: Sequence[Mapping[str, str]]
    size: int
    width: int
    dilations: tuple[int, ...]
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    version: str = ""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what a file says, without its weights.

        Raises:
            UnreadableError: It is none, is damaged, or is of a later version.

        """
        if not path.is_file():
            raise UnreadableError(path, "there is no such file")
        try:
            with safe_open(path, framework="np") as file:
                text = (file.metadata() or {}).get(_HEADER, "")
        except (OSError, SafetensorError) as error:
            raise UnreadableError(path, "it is no look file, or is damaged; make it with videostyle train") from error
        return cls._parsed(path, text)

    @classmethod
    def _parsed(cls, path: Path, text: str) -> Self:
        try:
            found = json.loads(text[:_LARGEST_HEADER])
            if found.pop("format") != FORMAT:
                raise UnreadableError(path, "another version of videostyle made it; train the look anew")
            found["dilations"] = tuple(int(each) for each in found["dilations"])
            header = cls(**found)
            sound = 0 < header.width <= 1024 and 0 < len(header.dilations) <= 64 and 0 < header.size <= 16384
            if not (sound and all(0 < each <= 64 for each in header.dilations)):
                raise ValueError(header)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UnreadableError(path, "it is no look file; make one with videostyle train") from error
        return header


def is_look(path: Path) -> bool:
    """Return whether a name stands for a look file."""
    return path.suffix.lower() == SUFFIX


def save_network(path: Path, network: StyleNetwork, header: LookHeader) -> None:
    """Write a network in half precision, with its batch norms in float32, so that another training can begin with it.

    Raises:
        OSError: The disk refuses.

    """
    from safetensors.torch import save

    found = network.state_dict()
    halved = [name for name, tensor in found.items() if tensor.is_floating_point() and "running" not in name]
    tensors = {name: (tensor.half() if name in halved else tensor).contiguous() for name, tensor in found.items()}
    text = json.dumps({"format": FORMAT, **asdict(header)}, sort_keys=True)
    content = save(tensors, {_HEADER: text})
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def load_network(path: Path) -> tuple[StyleNetwork, LookHeader]:
    """Read a network with its batch norms, and what its file says.

    Raises:
        UnreadableError: The file is none, is damaged, or is of a later version.

    """
    from safetensors.torch import load_file

    from videostyle.network.net import Shape, StyleNetwork, weights_of

    header = LookHeader.read(path)
    shape = Shape(header.width, header.dilations)
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UnreadableError(path, "it is damaged; train the look anew") from error
    if {name: tuple(tensor.shape) for name, tensor in found.items()} != weights_of(shape):
        raise UnreadableError(path, "its weights are not those of the network that it names; train the look anew")
    if not all(bool(tensor.isfinite().all()) for tensor in found.values()):
        raise UnreadableError(path, "its weights are not finite; train the look anew")
    network = StyleNetwork(shape)
    network.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in found.items()})
    return network, header
