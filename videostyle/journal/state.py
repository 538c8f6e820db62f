"""What a segment leaves to the segments that follow it, as plain arrays that a file or another machine can take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

Array = NDArray[Any]
Bars = tuple[int, int, int, int]  # rows of black at the top and bottom, columns at the left and right

_FULL = 65535  # of 16 bits
_LAYOUT = "layout"  # the metadata entry that says which frames a file holds


@dataclass(frozen=True, eq=False)
class KeptFrame:
    """A stylized frame that later ones start from.

    Args:
        image: (1, 3, H, W), float32 in [0, 1] to the last bit, or uint16 with its full range meaning [0, 1].
        confidence: (1, 1, H, W) of the same dtype: how long each pixel has been worked on, from 0, new, to 1.
        content: Like `image`: what each stroke was painted for; None where nobody knows.
        displacement: (1, 2, H, W) float32, pixels by which noise has moved along; None where there is none.

    """

    image: Array
    confidence: Array
    content: Array | None = None
    displacement: Array | None = None

    @property
    def exact(self) -> bool:
        """Whether nothing was rounded."""
        return bool(self.image.dtype == np.float32)

    def rounded(self) -> KeptFrame:
        """Round to 16 bits, which is enough for a frame that is only recalled."""
        content = None if self.content is None else round_to_16_bit(self.content)
        return KeptFrame(round_to_16_bit(self.image), round_to_16_bit(self.confidence), content, self.displacement)

    def arrays(self) -> dict[str, Array]:
        """Return its arrays by name."""
        known = {"image": self.image, "confidence": self.confidence}
        known |= {} if self.content is None else {"content": self.content}
        return known if self.displacement is None else known | {"displacement": self.displacement}


@dataclass(frozen=True, eq=False)
class SegmentState:
    """What a segment leaves: plain data, for a file, another process or another machine.

    Args:
        opening: (1, 3, H, W) uint16, the content of the frame that settled the look.
        previous: Index in the source of the last frame.
        frames: That frame and older ones that may be recalled, by their index in the source.
        bars: Of the last frame; all arrays are of what lies between them.

    """

    opening: Array
    previous: int
    frames: Mapping[int, KeptFrame]
    bars: Bars = (0, 0, 0, 0)

    def only(self, index: int) -> SegmentState | None:
        """The state with one frame alone; None if that frame is not in it."""
        return None if index not in self.frames else replace(self, previous=index, frames={index: self.frames[index]})

    def save(self, path: Path) -> None:
        """Write a safetensors file.

        Raises:
            OSError: The disk refuses.

        """
        arrays = {"opening": self.opening}
        for index, frame in self.frames.items():
            arrays |= {f"{index}.{name}": array for name, array in frame.arrays().items()}
        names = {index: list(frame.arrays()) for index, frame in self.frames.items()}
        layout = json.dumps({"previous": self.previous, "frames": names, "bars": self.bars})
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path, {_LAYOUT: layout})

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read what `save` wrote; None if the file is missing or damaged."""
        try:
            with safe_open(path, framework="np") as file:
                layout = json.loads((file.metadata() or {})[_LAYOUT])
                frames = {
                    int(index): KeptFrame(**{name: file.get_tensor(f"{index}.{name}") for name in names})
                    for index, names in layout["frames"].items()
                }
                top, bottom, left, right = layout["bars"]
                return cls(file.get_tensor("opening"), layout["previous"], frames, (top, bottom, left, right))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


def merge_states(base: SegmentState | None, others: Iterable[SegmentState], following: int) -> SegmentState | None:
    """The state for a segment whose first frame has index `following`, from that before it and from earlier shots.

    Only the frame right before `following` keeps its last bit; the others are recalled, and 16 bits are enough.
    """
    merged = base
    for state in others:
        known = {} if merged is None else dict(merged.frames)
        frames = {i: f if i == following - 1 else f.rounded() for i, f in state.frames.items()}
        first = state if base is None else base
        merged = SegmentState(first.opening, -1, known | frames, first.bars)
    if merged is None or (base is not None and merged is base):
        return merged
    return replace(merged, previous=following - 1 if following - 1 in merged.frames else max(merged.frames))


def round_to_16_bit(array: Array) -> Array:
    """Values in [0, 1] → uint16; arrays that are uint16 already stay."""
    return array if array.dtype == np.uint16 else np.rint(array * np.float32(_FULL)).astype(np.uint16)


def from_16_bit(array: Array) -> Array:
    """Undo `round_to_16_bit`; float32 arrays stay."""
    return array / np.float32(_FULL) if array.dtype == np.uint16 else array
