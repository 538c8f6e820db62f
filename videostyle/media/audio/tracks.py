"""What goes with the film: which track is copied, which converted, and under which name."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av import Packet
from av.container import InputContainer, OutputContainer
from av.stream import Stream

_QUICKTIME = {  # languages that FFmpeg writes into .mov only under their older code
    "bod": "tib", "cym": "wel", "deu": "ger", "ell": "gre", "eus": "baq", "fas": "per", "hye": "arm", "isl": "ice",
    "kat": "geo", "mkd": "mac", "msa": "may", "mya": "bur", "nld": "dut", "sqi": "alb", "swe": "sve", "zho": "chi",
}  # fmt: skip


@dataclass(frozen=True)
class Track:
    """A sound or subtitle stream of the source, and how it gets into the result.

    Args:
        index: Among all streams of the source.
        codec: The source's.
        encoder: What it is encoded with again; None copies its packets.
        layout, rate: Of sound that is encoded again.

    """

    index: int
    codec: str
    encoder: str | None = None
    layout: str = "stereo"
    rate: int = 48000

    @property
    def copied(self) -> bool:
        return self.encoder is None


class _NamedBuffer(io.BytesIO):
    """A file in memory whose name tells FFmpeg its format."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def holds(output: Path, add: Callable[[OutputContainer], object]) -> bool:
    """Whether the container of `output` takes a header with the stream that `add` adds."""
    try:
        with av.open(_NamedBuffer(f"x{output.suffix}"), "w") as trial:
            add(trial)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError, OSError):
        return False
    return True


def label(target: Stream, source: Stream, output: Path) -> None:
    """Language, title and the default and other flags of `source` for `target`."""
    said = source.metadata
    language, title = said.get("language"), said.get("title") or said.get("name")  # MP4 calls it name
    if language:
        quicktime = output.suffix.lower() == ".mov"
        target.metadata["language"] = _QUICKTIME.get(language, language) if quicktime else language
    if title:
        target.metadata["title"] = title
    target.disposition = source.disposition


def demuxed(container: InputContainer, *streams: Stream) -> Iterator[Packet[Any]]:
    """Packets as far as the file can be read; that it breaks off is told where the film is read."""
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError):
            return
        if packet is None:
            return
        yield packet


def seconds(packet: Packet[Any]) -> Fraction:
    """When a packet that has a time is presented."""
    return (packet.pts or 0) * packet.time_base
