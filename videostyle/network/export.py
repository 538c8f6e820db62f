"""A look file → ONNX, for programs without torch."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import torch

from videostyle.errors import InputError
from videostyle.network.file import load_network
from videostyle.network.net import NOISE_CHANNELS, SHRINK, folded

_TRACED = (4 * SHRINK, 6 * SHRINK)  # (H, W) that the network is followed through once; any other will do
_INPUTS = ["frame", "noise"]
_AXES = {2: "height", 3: "width"}


def check_onnx() -> None:
    """See that ONNX can be written here.

    Raises:
        InputError: A package is missing; the message says how to get it.

    """
    if find_spec("onnx") is None:
        raise InputError("an export needs the package onnx, which is not here; pip install 'videostyle[onnx]'")


def export_network(look: Path, part: Path) -> None:
    """Write the network of a look file as ONNX.

    It takes a frame and noise, (N, 3, H, W) float32 each, H and W multiples of 4, and gives the painted frame.

    Args:
        look: The look file.
        part: Where to write.

    Raises:
        UnreadableError: The look file is none, or is damaged.

    """
    import onnx

    network, header = load_network(look)
    frame, noise = torch.zeros(1, 3, *_TRACED), torch.zeros(1, NOISE_CHANNELS, *_TRACED)
    axes = {name: {0: "number", **_AXES} for name in (*_INPUTS, "painted")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch prefers its newer exporter, which needs one package more
        torch.onnx.export(
            folded(network),
            (frame, noise),
            str(part),
            input_names=_INPUTS,
            output_names=["painted"],
            dynamic_axes=axes,
            dynamo=False,
        )
    model = onnx.load(str(part))
    onnx.helper.set_model_props(model, {"videostyle": json.dumps(asdict(header), sort_keys=True)})
    onnx.save(model, str(part))
