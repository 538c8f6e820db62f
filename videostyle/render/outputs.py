"""What a job makes: a video joined from its segments, an insert edit, or numbered images, each complete by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from videostyle.errors import MediaError
from videostyle.frames import Frame
from videostyle.journal.digests import file_digest, files_digest, read_list, write_list
from videostyle.journal.journal import Journal, disk_errors
from videostyle.media.demux import open_source
from videostyle.media.existing import TIME_TOLERANCE, ExistingVideo
from videostyle.media.files import publish, publish_output
from videostyle.media.muxer import Muxer
from videostyle.media.packet_file import PacketFile, PacketFileWriter, join_packets
from videostyle.media.sequence import SequenceWriter
from videostyle.media.splice import splice
from videostyle.media.target import SequenceTarget
from videostyle.media.video.codecs import Encoding
from videostyle.plan.edit import InsertEdit
from videostyle.plan.identity import made_by
from videostyle.plan.plan import Plan
from videostyle.plan.resume import kept_pictures


class Sink(Protocol):
    """Takes the frames of one segment."""

    def write(self, frame: Frame) -> object: ...


class Output(Protocol):
    """How segments are written, checked, and brought to their place."""

    @property
    def path(self) -> Path: ...

    def open_segment(self, packets: Path) -> AbstractContextManager[Sink]:
        """Take the frames of a segment; leave in the file `packets` what is to be kept of it."""
        ...

    def is_intact(self, packets: Path) -> bool:
        """Whether what a segment wrote elsewhere is as it was left."""
        ...

    def finish(self, journal: Journal) -> None:
        """Bring a complete job to its place, and delete its journal."""
        ...


def output_of(plan: Plan, provenance: str) -> Output:
    """How a plan's segments become its result, which says in its metadata how it was made."""
    if isinstance(plan.target, SequenceTarget):
        own = plan.target.files() if plan.insert else kept_pictures(plan.output)
        return SequenceOutput(plan, provenance, plan.target, frozenset(own))
    if plan.insert is not None and isinstance(plan.insert.existing, ExistingVideo):
        return InsertOutput(plan, provenance, plan.insert, plan.insert.existing)
    return VideoOutput(plan, provenance)


@dataclass(frozen=True, eq=False)
class VideoOutput:
    """A video file."""

    plan: Plan
    provenance: str

    @property
    def path(self) -> Path:
        return self.plan.output

    @contextmanager
    def open_segment(self, packets: Path) -> Iterator[Sink]:
        with PacketFileWriter(packets, self.plan.clip, self.plan.written_size, self._encoding) as sink:
            yield sink

    def is_intact(self, packets: Path) -> bool:
        return True

    def finish(self, journal: Journal) -> None:
        """Join the packets with the source's audio, check the file, and give it its name."""
        with disk_errors(self.path):
            publish_output(self._joined(journal), self.path, replace=self.plan.request.overwrite)
        journal.remove()

    def _joined(self, journal: Journal) -> Path:
        video, plan = journal.folder / f"film{self.path.suffix}", self.plan
        part, tracks = not plan.request.span.whole or plan.clip.sound is not None, list(plan.tracks)
        files = [PacketFile(path) for path in journal.packets]
        with Muxer(
            video, plan.clip, plan.written_size, self._encoding, tracks, from_zero=part, comment=self.provenance
        ) as muxer:
            for packet in join_packets(files, plan.clip.time_base):
                muxer.mux(packet)
        shown = [header.pts for file in files for header in file.headers()]
        check_video(video, journal.frames, (max(shown) - min(shown)) * plan.clip.time_base)
        return video

    @property
    def _encoding(self) -> Encoding:
        assert self.plan.encoding is not None
        return self.plan.encoding


@dataclass(frozen=True, eq=False)
class InsertOutput(VideoOutput):
    """Segments that take the place of others in a finished video."""

    edit: InsertEdit
    existing: ExistingVideo

    def finish(self, journal: Journal) -> None:
        """Put the packets into a copy of the video, check that the rest is the same, and replace it."""
        before = self.plan.facts["into"]
        if files_digest([self.path]) != before:
            raise MediaError(f"{self.path} has changed since this work was planned, and stays as it is; begin anew")
        whole = journal.folder / f"whole{self.path.suffix}"
        provenance = self.edit.provenance_after(before, self.provenance)
        splice(self.existing, self._joined(journal), self.edit.places(self.edit.reencoded), whole, provenance)
        publish(whole, self.path, replace=True)
        journal.remove()


@dataclass(frozen=True, eq=False)
class SequenceOutput:
    """Numbered images; a segment's file of packets lists their digests."""

    plan: Plan
    provenance: str
    target: SequenceTarget
    own: frozenset[Path]  # pictures that the job has made before, or is to make anew

    @property
    def path(self) -> Path:
        return self.target.path

    @contextmanager
    def open_segment(self, packets: Path) -> Iterator[Sink]:
        written: list[Path] = []
        first_number = self.plan.first_number
        writer = SequenceWriter(self.path, first_number, self.provenance, packets.parent, self._may_replace)
        yield _ListedImages(writer, written)
        write_list(packets, written)

    def is_intact(self, packets: Path) -> bool:
        digests, folder = read_list(packets).items(), self.path.parent
        return all((folder / name).is_file() and file_digest(folder / name) == digest for name, digest in digests)

    def finish(self, journal: Journal) -> None:
        journal.remove()

    def _may_replace(self, path: Path) -> bool:
        """Whether a picture that is there is this very job's."""
        return self.plan.request.overwrite or path in self.own or made_by(self.plan.job, path)


@dataclass(frozen=True, eq=False)
class _ListedImages:
    """Writes images, and lists their paths."""

    writer: SequenceWriter
    written: list[Path]

    def write(self, frame: Frame) -> None:
        self.written.append(self.writer.write(frame))


def check_video(video: Path, frames: int, seconds: Fraction) -> None:
    """See that a finished file has all that was put into it.

    Args:
        video: The file.
        frames: How many it must have.
        seconds: From the first to the last.

    Raises:
        MediaError: It has not.

    """
    with open_source(video) as (container, stream):
        shown = [packet.pts * packet.time_base for packet in container.demux(stream) if packet.pts is not None]
    if len(shown) != frames or abs(max(shown) - min(shown) - seconds) > TIME_TOLERANCE:
        raise MediaError(
            f"{video} has {len(shown)} frames where {frames} were made, or other times; say --resume to join them again"
        )
