"""The names of VGG19's activations."""

from __future__ import annotations

import re

BLOCKS = (2, 2, 4, 4, 4)
CONVOLUTIONS = tuple(f"{b}_{i}" for b, n in enumerate(BLOCKS, 1) for i in range(1, n + 1))

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


def is_layer(name: str) -> bool:
    """Whether VGG19 has an activation of that name."""
    try:
        return bool(layer_name(name))
    except ValueError:
        return False
