"""What a job makes: a film joined from its segments, or numbered pictures, which are each complete by themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, cast

from videostyle.errors import MediaError
from videostyle.frames import Frame
from videostyle.media import sequence
from videostyle.media.clip import Clip
from videostyle.media.demux import open_source
from videostyle.media.existing import TIME_TOLERANCE, ExistingVideo
from videostyle.media.files import publish
from videostyle.media.muxer import Muxer
from videostyle.media.packet_file import PacketFile, PacketFileWriter, join_packets
from videostyle.media.sequence import SequenceWriter
from videostyle.media.splice import splice
from videostyle.media.video.codecs import Encoding
from videostyle.render.facts import digest, file_digest
from videostyle.render.into import Patch, with_range
from videostyle.render.journal import Journal
from videostyle.render.plan import Plan


class Run(Protocol):
    """Takes the frames of one segment."""

    def write(self, frame: Frame) -> None: ...


class Result(Protocol):
    """How segments are written, found again, and brought to their place."""

    def run(self, draft: Path) -> AbstractContextManager[Run]:
        """Take the frames of a segment, and leave in `draft` what is to be kept of it."""
        ...

    def holds(self, packets: Path) -> bool:
        """Whether what a segment wrote elsewhere is as it was left."""
        ...

    def finish(self, journal: Journal) -> None:
        """Bring a complete job to its place, and take its state away."""
        ...


def result_of(plan: Plan, clip: Clip, comment: str) -> Result:
    """What `plan` makes of `clip`."""
    patch = plan.patch
    if patch is not None and isinstance(patch.finished, ExistingVideo):
        return _Range(plan, clip, comment, patch, patch.finished)
    return (_Pictures if sequence.is_sequence(plan.request.output) else _Film)(plan, clip, comment)


@dataclass(frozen=True, eq=False)
class _Film:
    plan: Plan
    clip: Clip
    comment: str

    @contextmanager
    def run(self, draft: Path) -> Iterator[Run]:
        with PacketFileWriter(draft, self.clip, self.plan.written_size, self._encoding) as run:
            yield run

    def holds(self, packets: Path) -> bool:
        return True

    def finish(self, journal: Journal) -> None:
        """Join the packets with the source's sound, look at the result, and give it its name."""
        film = self._joined(journal)
        publish(film, journal.output)
        journal.remove()

    def _joined(self, journal: Journal) -> Path:
        """All segments as one film, complete."""
        film, size, tracks = self._within(journal.folder), self.plan.written_size, list(self.plan.tracks)
        part = not self.plan.request.span.whole
        files = [PacketFile(path) for path in journal.packets]
        with Muxer(film, self.clip, size, self._encoding, tracks, from_zero=part, comment=self.comment) as muxer:
            for packet in join_packets(files, self.clip.time_base):
                muxer.mux(packet)
        shown = [header.pts for file in files for header in file.headers()]
        check_film(film, journal.frames, (max(shown) - min(shown)) * self.clip.time_base)
        return film

    @property
    def _encoding(self) -> Encoding:
        return cast(Encoding, self.plan.encoding)

    def _within(self, folder: Path) -> Path:
        return folder / f"film{self.plan.request.output.suffix}"


@dataclass(frozen=True, eq=False)
class _Range(_Film):
    """Segments that take the place of others in a film that is finished."""

    patch: Patch
    finished: ExistingVideo

    def finish(self, journal: Journal) -> None:
        """Put the packets into a copy of the film, look whether the rest is the same, and replace it."""
        before = self.plan.facts["into"]
        if digest([journal.output]) != before:
            raise MediaError(
                f"{journal.output} has changed since this work was planned, and stays as it is; begin anew"
            )
        whole = journal.folder / f"whole{journal.output.suffix}"
        made = with_range(self.patch, before, self.comment)
        splice(self.finished, self._joined(journal), self.patch.touched, whole, made)
        publish(whole, journal.output)
        journal.remove()


def check_film(film: Path, frames: int, seconds: Fraction) -> None:
    """See that a finished file has all that was put into it.

    Args:
        film: The file.
        frames: How many it must have.
        seconds: From its first to its last.

    Raises:
        MediaError: It has not.

    """
    with open_source(film) as (container, stream):
        shown = [packet.pts * packet.time_base for packet in container.demux(stream) if packet.pts is not None]
    if len(shown) != frames or abs(max(shown) - min(shown) - seconds) > TIME_TOLERANCE:
        raise MediaError(
            f"{film} has {len(shown)} frames where {frames} were made, or other times; say --resume to join them again"
        )


@dataclass(frozen=True, eq=False)
class _Pictures:
    plan: Plan
    clip: Clip
    comment: str

    @contextmanager
    def run(self, draft: Path) -> Iterator[Run]:
        output, first, written = self.plan.request.output, sequence.first_number(self.clip), list[Path]()
        yield _Noted(SequenceWriter(output, first, self.comment, draft.parent), written)
        draft.write_text(json.dumps({path.name: file_digest(path) for path in written}), "utf-8")

    def holds(self, packets: Path) -> bool:
        digests = json.loads(packets.read_text("utf-8")).items()
        folder = self.plan.request.output.parent
        return all((folder / name).is_file() and file_digest(folder / name) == digest for name, digest in digests)

    def finish(self, journal: Journal) -> None:
        journal.remove()


@dataclass(frozen=True, eq=False)
class _Noted:
    """Writes pictures, and notes which."""

    writer: SequenceWriter
    written: list[Path]

    def write(self, frame: Frame) -> None:
        self.written.append(self.writer.write(frame))
