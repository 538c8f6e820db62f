"""What a job keeps beside its output while it is not finished: the segments that are done, and what the next one needs.

`.out.mp4.videostyle/` holds for each segment its packets and a note, and, of those that others go on from, the state
they leave:

    job.json          the facts that the work depends on
    scattered         is there if segments were made out of order
    000003.packets    what the segment adds to the film
    000003.state      what the next frame needs from it
    000003.json       the note, with checksums of both; written last, it makes the segment count

Whatever is torn, missing or was changed is found by its checksum, and made again.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from videostyle.errors import MediaError, OutputError
from videostyle.render.facts import Facts, differences, fingerprint
from videostyle.render.notes import checked, has_digest, loads, read, synced_digest, write
from videostyle.render.states import State, concerns

log = logging.getLogger(__name__)

STATES = 2  # kept of segments in a row, so that one that is damaged costs a segment and not the job


@dataclass(frozen=True)
class Segment:
    """A finished segment.

    Args:
        number: Its place, from 0.
        frames: How many it has.
        packets: SHA-256 of its packets.
        state: SHA-256 of what it leaves; empty if that is nothing.

    """

    number: int
    frames: int
    packets: str
    state: str


class Journal:
    """The state directory of one job, held against others; a context manager.

    Leaving it keeps the directory, unless nothing in it is worth keeping or `remove` was called.

    Args:
        output: What the job makes.
        facts: All that the result depends on.
        resume: Go on with what is there; otherwise it is discarded.
        holds: Whether what is elsewhere agrees with a file of packets.
        scattered: Segments are made out of order.

    Raises:
        OutputError: Another process works there, or what is there belongs to another job.
        MediaError: The directory cannot be made.

    """

    def __init__(
        self,
        output: Path,
        facts: Facts,
        *,
        resume: bool,
        holds: Callable[[Path], bool] = lambda packets: True,
        scattered: bool = False,
    ) -> None:
        self.output, self.folder = output, state_folder(output)
        self._job = fingerprint(facts)
        self._holds, self._segments, self._states = holds, dict[int, Segment](), set[int]()
        self._scattered = scattered
        with told(output):
            self.folder.mkdir(exist_ok=True)
        self._lock = _lock(self.folder, output)
        try:
            self._begin(facts, resume=resume)
        except BaseException:
            os.close(self._lock)
            raise

    def _begin(self, facts: Facts, *, resume: bool) -> None:
        if resume:
            check_facts(self.output, facts)
        known = _facts(self.folder) == facts
        if resume and known:
            self._scattered |= (self.folder / "scattered").exists()
            self._segments = self._all_sound() if self._scattered else self._usable()
        try:
            with told(self.output):
                self._clear()
                if not known:
                    write(self.folder / "job.json", facts)
                if self._scattered:
                    (self.folder / "scattered").touch()
        except BaseException as error:
            self._leave(error)
            raise

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What is done, in the film's order."""
        return tuple(self._segments[number] for number in sorted(self._segments))

    @property
    def scattered(self) -> bool:
        """Whether segments are made out of order, or some of what is kept was: a state has only what its own need."""
        return self._scattered

    def done(self, number: int) -> bool:
        """Whether a segment is."""
        return number in self._segments

    @property
    def frames(self) -> int:
        """How many frames are done."""
        return sum(segment.frames for segment in self.segments)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be made but the film of it."""
        return read(self.folder / "complete.json", self._job) == {"frames": self.frames}

    def draft(self, number: int) -> Path:
        """Where the packets of a segment go."""
        return self._file(number, "packets")

    @property
    def packets(self) -> list[Path]:
        """The packets of the segments that are done."""
        return [self._file(segment.number, "packets") for segment in self.segments]

    def state(self, number: int) -> State | None:
        """What a finished segment left to the next frame; None if that is not here any more."""
        segment = self._segments.get(number)
        if segment is None or not self._leads_on(segment):
            return None
        return load_file(self._file(number, "state")) if segment.state else {}

    def recall(self, place: int) -> State | None:
        """What the frame at a place in the source left, to the last bit if that is here; None if nothing is."""
        found: State | None = None
        for segment in self.segments:
            names = [name for name in self._names(segment) if concerns(name, place)]
            if len(names) > 1 and (found is None or any(name.startswith("previous") for name in names)):
                state = self.state(segment.number)
                found = found if state is None else {name: state[name] for name in names}
        return found

    def publish(self, number: int, frames: int, state: State, outlived: Callable[[int], bool]) -> None:
        """Let the segment whose packets are in `draft` count, and take away the states that `outlived` says."""
        with told(self.output):
            left = self._save(number, state) if state else ""
            segment = Segment(number, frames, synced_digest(self.draft(number)), left)
            self._segments[number] = segment
            self._states.add(number)
            write(self._file(number, "json"), checked(asdict(segment), self._job))
            for old in [number for number in self._states if outlived(number)]:
                self._file(old, "state").unlink(missing_ok=True)
                self._states.discard(old)

    def drop(self, numbers: Iterable[int]) -> None:
        """Let segments count no more."""
        with told(self.output):
            for number in numbers:
                self._file(number, "json").unlink(missing_ok=True)
                self._segments.pop(number, None)

    def conclude(self) -> None:
        """Note that there are no more segments."""
        with told(self.output):
            write(self.folder / "complete.json", checked({"frames": self.frames}, self._job))

    def remove(self) -> None:
        """The job is finished: nothing of the directory is left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None and self.folder.is_dir():
                self._leave(error)
        finally:
            os.close(self._lock)

    def _leave(self, error: BaseException) -> None:
        self._segments = {n: segment for n, segment in self._segments.items() if self._file(n, "json").exists()}
        if not self._segments:
            self.remove()
            return
        with suppress(OSError):
            self._clear()
        error.add_note(
            f"{_counted(self.frames)} are kept in {self.folder}: the same command with --resume goes on from there"
        )

    def _file(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:06d}.{kind}"

    def _save(self, number: int, state: State) -> str:
        path = self._file(number, "state")
        save_file({name: np.ascontiguousarray(value) for name, value in state.items()}, path)
        return synced_digest(path)

    def _names(self, segment: Segment) -> Iterable[str]:
        """Of the arrays in a segment's state."""
        try:
            with safe_open(self._file(segment.number, "state"), framework="np") as file:
                return list(file.keys())
        except (OSError, SafetensorError):
            return ()

    def _all_sound(self) -> dict[int, Segment]:
        """Every segment that is there and whole, as is what it leaves if that is still here."""
        numbers = sorted(int(path.stem) for path in self.folder.glob("[0-9]*.json"))
        found = {number: segment for number in numbers if (segment := self._sound(number)) is not None}
        sound = {n: s for n, s in found.items() if not self._file(n, "state").exists() or self._leads_on(s)}
        for number in set(numbers) - set(sound):
            log.warning("segment %d of the kept work is damaged; it is made again", number + 1)
        return sound

    def _usable(self) -> dict[int, Segment]:
        """The segments to go on from: sound ones, after which the next has what it needs."""
        sound: list[Segment] = []
        while (segment := self._sound(len(sound))) is not None:
            sound.append(segment)
        done = len(sound)
        while done and not self._leads_on(sound[done - 1]):
            done -= 1
        if self._file(done, "json").exists():
            log.warning("segment %d of the kept work is damaged; it is made again", done + 1)
        return {segment.number: segment for segment in sound[:done]}

    def _sound(self, number: int) -> Segment | None:
        found = read(self._file(number, "json"), self._job)
        if found is None or found.get("number") != number:
            return None
        segment = Segment(**found)
        packets = self._file(number, "packets")
        return segment if has_digest(packets, segment.packets) and self._holds(packets) else None

    def _leads_on(self, segment: Segment) -> bool:
        """Whether the next one has what it needs."""
        path = self._file(segment.number, "state")
        return not segment.state or (has_digest(path, segment.state) and loads(path))

    def _clear(self) -> None:
        """Take away what does not count: files of a segment that was not finished, and whatever else lies there."""
        done = self._segments
        last = max(done, default=0)
        self._states = {n for n in done if self._scattered or n > last - STATES}
        kept = {self.folder / "job.json", *self.packets, *(self._file(n, "json") for n in done)}
        kept |= {self._file(n, "state") for n in self._states}
        if self._scattered:
            kept.add(self.folder / "scattered")
        if done and self.complete:
            kept.add(self.folder / "complete.json")
        for path in set(self.folder.iterdir()) - kept:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def state_folder(output: Path) -> Path:
    """Where the unfinished work on a file is kept: hidden, beside it."""
    return output.with_name(f".{output.name}.videostyle")


@contextmanager
def trial_folder(folder: Path) -> Iterator[None]:
    """A state directory for a moment, unless there is one."""
    folder.mkdir(exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):
            folder.rmdir()  # which refuses where work is kept


def discard(output: Path) -> None:
    """Take away what is kept beside `output`.

    Raises:
        OutputError: Another process works there.

    """
    folder = state_folder(output)
    with suppress(FileNotFoundError):
        held = _lock(folder, output)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def kept_facts(output: Path) -> Facts | None:
    """Of the unfinished job whose work is kept beside `output`, if any."""
    return _facts(state_folder(output))


def kept_segments(output: Path) -> int:
    """How many segments seem to be kept beside `output`."""
    return len(list(state_folder(output).glob("[0-9]*.json")))


def kept_bytes(output: Path) -> int:
    """How much is kept beside `output`."""
    folder = state_folder(output)
    return sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0


def check_facts(output: Path, facts: Facts) -> None:
    """See that work that is kept belongs to the job.

    Raises:
        OutputError: Something that the result depends on has changed.

    """
    kept = kept_facts(output)
    if kept is None or not kept_segments(output):
        return
    changed = differences(kept, facts) + (["into"] if ("into" in kept) != ("into" in facts) else [])
    if changed:
        raise OutputError(
            output,
            f"the work kept in {state_folder(output)} was begun otherwise: changed {_are(changed)}; "
            "say what was said then, or --overwrite without --resume to begin anew",
        )


@contextmanager
def told(output: Path) -> Iterator[None]:
    """What the disk refuses, as our error."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(f"writing {output} failed: {reason}; make room on that disk, or choose another") from error


def _lock(folder: Path, output: Path) -> int:
    """Hold the directory until this process ends, however it ends."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(held)
        raise OutputError(
            output, "another videostyle is at work on it; wait for that, or choose another name"
        ) from error
    except OSError:
        log.warning("the disk of %s knows no locks; see that no other videostyle works on it", output)
    return held


def _facts(folder: Path) -> Facts | None:
    try:
        found = json.loads((folder / "job.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _counted(frames: int) -> str:
    return f"{frames} finished frame{'' if frames == 1 else 's'}"


def _are(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
