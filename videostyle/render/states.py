"""States of the stylizer as plain arrays, for a file, another process or another machine, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from videostyle.journal.drafts import round_state
from videostyle.journal.state import KeptFrame, SegmentState, from_16_bit

if TYPE_CHECKING:
    import torch

    from videostyle.style.state import FrameState, State


def segment_state(state: State) -> SegmentState:
    """Bring a state to the CPU: the last frame to the last bit, older ones in 16 bits."""
    rounded = round_state(exact_state(state))
    assert rounded is not None
    return rounded


def exact_state(state: State) -> SegmentState:
    """Bring a state to the CPU to the last bit, each of its frames when it is asked for."""
    return SegmentState(_array(state.opening), state.previous, _ExactFrames(state.known))


@dataclass(frozen=True, eq=False)
class _ExactFrames(Mapping[int, KeptFrame]):
    """Frames on a device as they are asked for."""

    known: Mapping[int, FrameState]

    def __getitem__(self, index: int) -> KeptFrame:
        return _to_arrays(self.known[index])

    def __iter__(self) -> Iterator[int]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def tensor_state(state: SegmentState, device: torch.device) -> State:
    """Undo `segment_state`. Copies into torch's own allocation: alignment can change the last bit of what follows."""
    from videostyle.style.state import State

    known = {index: _to_tensors(frame, device) for index, frame in state.frames.items()}
    return State(_tensor(state.opening, device), state.previous, known)


def _to_arrays(frame: FrameState) -> KeptFrame:
    content = None if frame.content is None else _array(frame.content)
    displacement = None if frame.displacement is None else _array(frame.displacement)
    return KeptFrame(_array(frame.image), _array(frame.confidence), content, displacement)


def _to_tensors(frame: KeptFrame, device: torch.device) -> FrameState:
    from videostyle.style.state import FrameState

    content = None if frame.content is None else _tensor(frame.content, device)
    displacement = None if frame.displacement is None else _tensor(frame.displacement, device)
    return FrameState(_tensor(frame.image, device), _tensor(frame.confidence, device), content, displacement)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.cpu().contiguous().numpy()


def _tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    import torch

    return torch.from_numpy(from_16_bit(array)).clone().to(device)
