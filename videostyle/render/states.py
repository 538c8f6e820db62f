"""What frames leave to those that follow, as arrays by name that a file can hold.

`opening`, and for a frame at place N `previous N image`, `previous N ripeness` to the last bit if it was the last one,
`kept N image`, `kept N ripeness` in 16 bits otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from videostyle.style import stylizer

Array = NDArray[Any]
State = dict[str, Array]  # empty where the next frame needs nothing

_FULL = 65535  # of 16 bits
_OPENING = "opening"


def kept(left: Mapping[str, Tensor]) -> State:
    """What a frame leaves to the next, for a file: the frame itself to the last bit, the older ones at 16 bits."""
    arrays = {name: tensor.cpu().contiguous().numpy() for name, tensor in left.items()}
    return {name: array if name.startswith("previous") else _rounded(array) for name, array in arrays.items()}


def restored(state: State, device: torch.device) -> stylizer.State | None:
    """The same in torch's own memory: how numbers lie there can change the last bit of what is made of them."""
    import torch

    from videostyle.style.stylizer import State as Left

    arrays = {name: array / np.float32(_FULL) if array.dtype == np.uint16 else array for name, array in state.items()}
    tensors = {name: torch.from_numpy(array).clone().to(device) for name, array in arrays.items()}
    return Left.of(tensors) if state else None


def concerns(name: str, place: int) -> bool:
    """Whether an array of a state is of the frame at a place, or of none."""
    return name == _OPENING or name.split()[1] == str(place)


def joined(states: Iterable[State], place: int) -> State:
    """What a frame at `place` starts from that several others left: to the last bit only what the last one did."""
    return {named: array for state in states for named, array in _as_left(state, place)}


def _as_left(state: State, place: int) -> Iterable[tuple[str, Array]]:
    for name, array in state.items():
        if name == _OPENING or concerns(name, place - 1):
            yield name, array
        else:
            yield name.replace("previous", "kept"), _rounded(array)


def _rounded(array: Array) -> Array:
    return array if array.dtype == np.uint16 else np.rint(array * np.float32(_FULL)).astype(np.uint16)
