"""What a job keeps beside its output until that is complete: the finished segments, and what the next ones need.

`.out.mp4.videostyle/` holds for each segment its packets and a record, and, of those that others go on from, the state
they leave:

    job.json          the facts that the result depends on
    000003.packets    what the segment adds to the result
    000003.state      what the segments that follow need from it
    000003.json       the record, with checksums of both; written last, it makes the segment count
    complete.json     the record that no segment is missing

and of the segments that are open, their finished frames: see `journal.drafts`.

A file that is torn, missing or changed fails its checksum, and its segment is rendered again. Segments may be rendered
in any order: each starts from what the one before it left, or from earlier shots that it returns to.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

from safetensors import SafetensorError

from videostyle.errors import MediaError, OutputError
from videostyle.journal.drafts import DraftFolder
from videostyle.journal.facts import Facts, differences, fingerprint
from videostyle.journal.folder import (
    LOCK,
    check_folder,
    clear_folder,
    lock_folder,
    own_files,
    remove_folder,
    state_folder,
)
from videostyle.journal.records import has_digest, read_sealed, seal, sync_and_digest, write_json
from videostyle.journal.state import SegmentState

log = logging.getLogger(__name__)

STATES = 2  # states of segments in a row that are kept, so that a damaged one costs a segment and not the job


@dataclass(frozen=True)
class Record:
    """A finished segment.

    Args:
        number: Its place in the result, from 0.
        frames: How many it has.
        packets: SHA-256 of its packets.
        state: SHA-256 of the state it leaves; empty if it leaves none.

    """

    number: int
    frames: int
    packets: str
    state: str


class Journal:
    """The state directory of one job, locked against other processes; a context manager.

    Leaving it keeps the directory, unless no segment in it counts or `remove` was called.

    Args:
        output: What the job makes.
        facts: All that the result depends on.
        resume: Use the segments that are there; otherwise discard them.
        is_intact: Tells whether what a segment wrote elsewhere agrees with its file of packets.

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
        is_intact: Callable[[Path], bool] = lambda packets: True,
    ) -> None:
        self.output, self.folder = output, state_folder(output)
        self._job = fingerprint(facts)
        self._is_intact, self._records, self._states = is_intact, dict[int, Record](), set[int]()
        check_folder(output)
        with disk_errors(output):
            self.folder.mkdir(exist_ok=True)
        self._lock = lock_folder(output)
        try:
            self._begin(facts, resume=resume)
        except BaseException:
            self._lock.release()
            raise

    def _begin(self, facts: Facts, *, resume: bool) -> None:
        if resume:
            check_facts(self.output, facts)
        known = resume and _facts(self.folder) == facts
        if resume:
            self._records = self._sound_records()
            self._check_known(known=known)
        try:
            with disk_errors(self.output):
                if resume:
                    self._drop_torn_drafts()
                else:
                    clear_folder(self.folder, {self.folder / LOCK})
                self._clear()
                if not known:
                    write_json(self.folder / "job.json", facts)
        except BaseException as error:
            self._keep_or_remove(error)
            raise

    def _check_known(self, *, known: bool) -> None:
        """See that work that is kept says which job it is of, or proves to be of this one."""
        if not (known or self._records or self._drafted()) and has_kept_work(self.output):
            raise OutputError(
                self.output,
                f"the work kept in {self.folder} does not say which job it is of; "
                "say --overwrite without --resume to begin anew",
            )

    @property
    def records(self) -> tuple[Record, ...]:
        """The finished segments, in the result's order."""
        return tuple(self._records[number] for number in sorted(self._records))

    def done(self, number: int) -> bool:
        """Whether a segment is finished."""
        return number in self._records

    @property
    def frames(self) -> int:
        """How many frames are finished."""
        return sum(record.frames for record in self.records)

    @property
    def complete(self) -> bool:
        """Whether all segments are finished, and only their joining is left."""
        return read_sealed(self.folder / "complete.json", self._job) == {"frames": self.frames}

    @property
    def kept_frames(self) -> int:
        """How many frames are finished, those of open segments among them."""
        return self.frames + sum(self.drafts(number).count() for number in self._drafted())

    def draft(self, number: int) -> Path:
        """Where the packets of a segment go."""
        return self._file(number, "packets")

    def drafts(self, number: int) -> DraftFolder:
        """Where the finished frames of a segment lie until its packets are complete."""
        return DraftFolder(self.folder, number, self._job)

    @property
    def packets(self) -> list[Path]:
        """The packets of the finished segments."""
        return [self._file(record.number, "packets") for record in self.records]

    def left_state(self, number: int) -> bool:
        """Whether a finished segment left a state, be it still there or not."""
        record = self._records.get(number)
        return record is not None and bool(record.state)

    def state(self, number: int) -> SegmentState | None:
        """Read what a finished segment left; None if it left nothing, or that is gone or damaged."""
        record = self._records.get(number)
        if record is None or not record.state or not has_digest(self._file(number, "state"), record.state):
            return None
        return SegmentState.load(self._file(number, "state"))

    def publish(self, number: int, frames: int, state: SegmentState | None, is_obsolete: Callable[[int], bool]) -> None:
        """Make the segment count whose packets are in `draft`; delete the states that nobody needs any more."""
        with disk_errors(self.output):
            left = self._save(number, state) if state is not None else ""
            record = Record(number, frames, sync_and_digest(self.draft(number)), left)
            self._records[number] = record
            self._states.add(number)
            write_json(self._file(number, "json"), seal(asdict(record), self._job))
            for old in [number for number in self._states if is_obsolete(number)]:
                self._file(old, "state").unlink(missing_ok=True)
                self._states.discard(old)
            self.drafts(number).remove()

    def drop(self, numbers: Iterable[int]) -> None:
        """Make segments count no more, so that they are rendered again."""
        with disk_errors(self.output):
            for number in numbers:
                self._file(number, "json").unlink(missing_ok=True)
                self._records.pop(number, None)

    def conclude(self) -> None:
        """Record that no segment is missing."""
        with disk_errors(self.output):
            write_json(self.folder / "complete.json", seal({"frames": self.frames}, self._job))

    def remove(self) -> None:
        """Delete the directory: the result is complete."""
        remove_folder(self.folder, self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None and self.folder.is_dir():
                self._keep_or_remove(error)
        finally:
            self._lock.release()

    def _keep_or_remove(self, error: BaseException) -> None:
        self._records = {n: record for n, record in self._records.items() if self._file(n, "json").exists()}
        if not self._records and not self._drafted():
            self.remove()
            return
        with suppress(OSError):
            self._clear()
        error.add_note(
            f"{_counted(self.kept_frames)} are kept in {self.folder}: the same command with --resume goes on from there"
        )

    def _file(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:06d}.{kind}"

    def _save(self, number: int, state: SegmentState) -> str:
        path = self._file(number, "state")
        state.save(path)
        return sync_and_digest(path)

    def _sound_records(self) -> dict[int, Record]:
        """Every segment whose packets are whole, and whose state is whole or gone."""
        names = (path.stem for path in own_files(self.folder) if path.suffix == ".json")
        numbers = sorted(int(name) for name in names if name.isdecimal())
        found = {number: record for number in numbers if (record := self._sound(number)) is not None}
        sound = {n: r for n, r in found.items() if not self._file(n, "state").exists() or self._has_sound_state(r)}
        for number in set(numbers) - set(sound):
            log.warning("segment %d of the kept work is damaged; it is made again", number + 1)
        return sound

    def _sound(self, number: int) -> Record | None:
        found = read_sealed(self._file(number, "json"), self._job)
        if found is None or found.get("number") != number or set(found) != {field.name for field in fields(Record)}:
            return None
        record = Record(**found)
        packets = self._file(number, "packets")
        return record if has_digest(packets, record.packets) and self._is_intact(packets) else None

    def _has_sound_state(self, record: Record) -> bool:
        path = self._file(record.number, "state")
        return not record.state or (has_digest(path, record.state) and SegmentState.load(path) is not None)

    def _drafted(self) -> list[int]:
        """Numbers of the open segments of which finished frames are kept."""
        names = (path.stem for path in own_files(self.folder) if path.suffix == ".draft")
        return [number for number in map(int, names) if not self.done(number) and self.drafts(number).count()]

    def _drop_torn_drafts(self) -> None:
        for number in self._drafted():
            if not self.drafts(number).read().frames:
                log.warning("the frames kept of segment %d are damaged; they are made again", number + 1)
                self.drafts(number).remove()

    def _clear(self) -> None:
        """Delete what does not count: files of segments that were not finished, and leftovers."""
        numbers = self._records
        self._states = set(numbers)
        kept = {self.folder / "job.json", self.folder / LOCK, *self.packets}
        kept |= {self._file(n, kind) for n in numbers for kind in ("json", "state")}
        kept |= {path for number in self._drafted() for path in self.drafts(number).files()}
        if numbers and self.complete:
            kept.add(self.folder / "complete.json")
        clear_folder(self.folder, kept)


def discard(output: Path) -> None:
    """Delete what is kept beside `output`.

    Raises:
        OutputError: Another process works there, or what is there is not a job's own.

    """
    if state_folder(output).is_dir():
        remove_folder(state_folder(output), lock_folder(output))


def kept_facts(output: Path) -> Facts | None:
    """The facts of the unfinished job whose work is kept beside `output`, if any."""
    return _facts(state_folder(output))


def has_kept_work(output: Path) -> bool:
    """Whether finished segments or frames seem to be kept beside `output`."""
    kept = own_files(state_folder(output))
    return any(path.suffix in (".json", ".draft") and path.stem.isdecimal() for path in kept)


def kept_bytes(output: Path) -> int:
    """How many bytes are kept beside `output`."""
    return sum(path.stat().st_size for path in own_files(state_folder(output)))


def check_facts(output: Path, facts: Facts) -> None:
    """See that work that is kept belongs to the job.

    Raises:
        OutputError: Something that the result depends on has changed.

    """
    kept = kept_facts(output)
    if kept is None or not has_kept_work(output):
        return
    changed = differences(kept, facts) + (["into"] if ("into" in kept) != ("into" in facts) else [])
    if changed:
        raise OutputError(
            output,
            f"the work kept in {state_folder(output)} was begun otherwise: changed {_and(changed)}; "
            "say what was said then, or --overwrite without --resume to begin anew",
        )


@contextmanager
def disk_errors(output: Path) -> Iterator[None]:
    """Turn what the disk refuses into MediaError; also a decorator."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(f"writing {output} failed: {reason}; make room on that disk, or choose another") from error


def _facts(folder: Path) -> Facts | None:
    try:
        found = json.loads((folder / "job.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    sound = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    return found if sound else None


def _counted(frames: int) -> str:
    return f"{frames} finished frame{'' if frames == 1 else 's'}"


def _and(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
