"""The names of VGG19's activations."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

BLOCKS = (2, 2, 4, 4, 4)
CONVOLUTIONS = tuple(f"{b}_{i}" for b, n in enumerate(BLOCKS, 1) for i in range(1, n + 1))

MATCHED_FROM = 4  # stride of the finest activations that attention matches: finer ones hold strokes, not things

_NAME = re.compile(r"(?:relu|conv|block)([1-5])_(?:conv)?([1-4])")


def layer_name(name: str) -> str:
    """The canonical name of an activation: `conv4_2` and Keras' `block4_conv2` are `relu4_2`.

    All three mean the rectified response, as in Gatys et al. 2016 and in Keras.

    Raises:
        ValueError: VGG19 has no such convolution.

    """
    match = _NAME.fullmatch(name)
    if match is None or f"{match[1]}_{match[2]}" not in CONVOLUTIONS:
        raise ValueError(f"{name!r} is no VGG19 activation; say relu1_1 ... relu5_4")
    return f"relu{match[1]}_{match[2]}"


def depth(name: str) -> int:
    """How many convolutions an activation takes: 1 for `relu1_1`, 16 for `relu5_4`."""
    return CONVOLUTIONS.index(layer_name(name).removeprefix("relu")) + 1


def stride(name: str) -> int:
    """How many pixels lie between neighbouring places of an activation: 1 for `relu1_1`, 16 for `relu5_1`."""
    return 1 << (int(layer_name(name)[4]) - 1)


def reach(name: str) -> float:
    """How far from its middle a place of an activation sees, in pixels: 1 for `relu1_1`, 77.5 for `relu5_1`."""
    block, number = int(layer_name(name)[4]), int(layer_name(name)[6])
    convolved: int = sum(count << scale for scale, count in enumerate((*BLOCKS[: block - 1], number)))
    return convolved + sum(1 << scale for scale in range(block - 1)) / 2


def layer_shares(words: Iterable[str]) -> dict[str, float]:
    """`name` or `name:weight` each → how much each layer counts, by canonical name; the shares sum to 1.

    Raises:
        ValueError: VGG19 has no such activation, or a weight is no number above 0.

    """
    weights: dict[str, float] = {}
    for word in words:
        name, _, weight = word.partition(":")
        weights[layer_name(name)] = float(weight or 1)
    if not all(0 < weight < math.inf for weight in weights.values()):
        raise ValueError("a layer's weight is a number above 0, as in relu4_1:0.5")
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}
