"""Finished frames of a segment whose packets are not complete, kept as they are: a kill costs the frame in work.

Beside the segments in `.out.mp4.videostyle/` lie, for each that is open:

    000003.000007.frame    its eighth frame, before encoding
    000003.000079.carry    what frame 79 of the source leaves to those that follow, to the last bit
    000003.opening.carry   the content that settled the look
    000003.draft           the list of these, with their checksums; written last, it makes the frame count

All of it goes when the packets of the segment are complete. It is renamed into place but not synced, since only a
machine that loses power can tear it, and a torn file fails its checksum.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save

from videostyle.frames import Frame
from videostyle.journal.records import has_digest, read_sealed, seal
from videostyle.journal.state import Array, Bars, KeptFrame, SegmentState, round_to_16_bit
from videostyle.media.files import create_part

_TIMING = "timing"  # the metadata entry that says when a frame is shown


@dataclass(frozen=True)
class Draft:
    """What is kept of an open segment.

    Args:
        frames: SHA-256 of each finished frame.
        known: The frames that later ones may recall, by their index in the source, with the SHA-256 of what they leave;
            it is empty where the segment began with them.
        opening: SHA-256 of the content that settled the look; empty where frames leave nothing.
        previous: Index in the source of the last frame, where it leaves something.
        bars: Of that frame.

    """

    frames: tuple[str, ...] = ()
    known: tuple[tuple[int, str], ...] = ()
    opening: str = ""
    previous: int = -1
    bars: Bars = (0, 0, 0, 0)


@dataclass(frozen=True)
class DraftFolder:
    """The files of one open segment.

    Args:
        folder: The job's.
        number: Of the segment.
        job: What the job is known by.

    """

    folder: Path
    number: int
    job: str

    def read(self) -> Draft:
        """Read what is kept; nothing if that is damaged, incomplete or of another job."""
        draft = self._listed()
        sound = all(has_digest(path, digest) for path, digest in self._digests(draft))
        return draft if sound else Draft()

    def add(self, draft: Draft, frame: Frame, left: SegmentState | None, start: SegmentState | None) -> Draft:
        """Keep one more frame.

        Args:
            draft: What is kept so far.
            frame: The next one, as it goes to the encoder.
            left: What it leaves to those that follow, to the last bit.
            start: What the segment began with.

        Raises:
            OSError: The disk refuses.

        """
        added = replace(draft, frames=(*draft.frames, self._save_frame(len(draft.frames), frame)))
        if left is not None:
            added = self._with_state(added, left, {} if start is None else start.frames)
        _write(self._index, json.dumps(seal(asdict(added), self.job)).encode())
        for index, _ in set(draft.known) - set(added.known):
            self._carry(index).unlink(missing_ok=True)
        return added

    def frames(self, draft: Draft) -> Iterator[Frame]:
        """Yield the frames that are kept."""
        for position in range(len(draft.frames)):
            yield _load_frame(self._frame(position))

    def state(self, draft: Draft, start: SegmentState | None) -> SegmentState | None:
        """Read what the last frame left, to the last bit; None if that is nothing."""
        if not draft.opening:
            return None
        before = {} if start is None else start.frames
        frames = {index: self._load_carry(index) if digest else before[index] for index, digest in draft.known}
        return SegmentState(load_file(self._opening)["opening"], draft.previous, frames, draft.bars)

    def files(self) -> set[Path]:
        """Return the files that count."""
        draft = self._listed()
        return {self._index, *(path for path, _ in self._digests(draft))} if draft.frames else set()

    def count(self) -> int:
        """Count the frames that seem to be kept."""
        return len(self._listed().frames)

    def remove(self) -> None:
        """Delete all of it."""
        for path in (self._index, *self.folder.glob(f"{self.number:06d}.*.frame"), *self._carries()):
            path.unlink(missing_ok=True)

    def _listed(self) -> Draft:
        found = read_sealed(self._index, self.job) or {}
        if set(found) != set(asdict(Draft())):
            return Draft()
        known = tuple((index, digest) for index, digest in found["known"])
        top, bottom, left, right = found["bars"]
        return Draft(tuple(found["frames"]), known, found["opening"], found["previous"], (top, bottom, left, right))

    def _digests(self, draft: Draft) -> list[tuple[Path, str]]:
        frames = [(self._frame(position), digest) for position, digest in enumerate(draft.frames)]
        carries = [(self._carry(index), digest) for index, digest in draft.known if digest]
        return [*frames, *carries, *([(self._opening, draft.opening)] if draft.opening else [])]

    def _with_state(self, draft: Draft, left: SegmentState, before: Mapping[int, KeptFrame]) -> Draft:
        there = dict(draft.known)
        known = ((i, "" if i in before else there.get(i) or self._save_carry(i, left.frames[i])) for i in left.frames)
        content = save({"opening": np.ascontiguousarray(left.opening)})
        opening = sha256(content).hexdigest()
        if opening != draft.opening:
            _write(self._opening, content)
        return replace(draft, known=tuple(known), opening=opening, previous=left.previous, bars=left.bars)

    def _save_frame(self, position: int, frame: Frame) -> str:
        alpha = {} if frame.alpha is None else {"alpha": frame.alpha}
        timing = json.dumps([frame.pts, str(frame.time_base), frame.duration, frame.index])
        return _write(self._frame(position), _packed({"pixels": frame.pixels, **alpha}, {_TIMING: timing}))

    def _save_carry(self, index: int, frame: KeptFrame) -> str:
        return _write(self._carry(index), _packed(frame.arrays()))

    def _load_carry(self, index: int) -> KeptFrame:
        return KeptFrame(**load_file(self._carry(index)))

    @property
    def _index(self) -> Path:
        return self.folder / f"{self.number:06d}.draft"

    @property
    def _opening(self) -> Path:
        return self.folder / f"{self.number:06d}.opening.carry"

    def _frame(self, position: int) -> Path:
        return self.folder / f"{self.number:06d}.{position:06d}.frame"

    def _carry(self, index: int) -> Path:
        return self.folder / f"{self.number:06d}.{index:06d}.carry"

    def _carries(self) -> Iterator[Path]:
        return self.folder.glob(f"{self.number:06d}.*.carry")


def round_state(state: SegmentState | None) -> SegmentState | None:
    """Round what a segment leaves, as all segments do: its last frame stays to the last bit."""
    if state is None:
        return None
    frames = {i: frame if i == state.previous else frame.rounded() for i, frame in state.frames.items()}
    return replace(state, opening=round_to_16_bit(state.opening), frames=frames)


def _packed(arrays: Mapping[str, Array], about: dict[str, str] | None = None) -> bytes:
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, about)


def _write(path: Path, content: bytes) -> str:
    """Write a file and rename it into place, without waiting for the disk; return its SHA-256."""
    part = create_part(path)
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return sha256(content).hexdigest()


def _load_frame(path: Path) -> Frame:
    with safe_open(path, framework="np") as file:
        pts, time_base, duration, index = json.loads(file.metadata()[_TIMING])
        alpha = file.get_tensor("alpha") if "alpha" in file.keys() else None  # noqa: SIM118  # it is no mapping
        return Frame(file.get_tensor("pixels"), pts, Fraction(time_base), duration, index, alpha)
