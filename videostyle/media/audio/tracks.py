"""The audio and subtitle tracks of a result: which is copied, which re-encoded, and under which name."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av import Packet
from av.container import OutputContainer
from av.stream import Stream

_QUICKTIME = {  # languages that FFmpeg writes into .mov only under their older code
    "bod": "tib", "cym": "wel", "deu": "ger", "ell": "gre", "eus": "baq", "fas": "per", "hye": "arm", "isl": "ice",
    "kat": "geo", "mkd": "mac", "msa": "may", "mya": "bur", "nld": "dut", "sqi": "alb", "swe": "sve", "zho": "chi",
}  # fmt: skip


@dataclass(frozen=True)
class Track:
    """An audio or subtitle stream of the source, and how it gets into the result.

    Args:
        index: Among all streams of the source.
        codec: The source's.
        encoder: What re-encodes it; None copies its packets.
        layout: Channel layout of audio that is re-encoded.
        rate: Samples per second of audio that is re-encoded.
        format: FFmpeg's name of the samples that the encoder takes; empty for its usual ones.

    """

    index: int
    codec: str
    encoder: str | None = None
    layout: str = "stereo"
    rate: int = 48000
    format: str = ""


class _NamedBuffer(io.BytesIO):
    """A file in memory with a name, from whose suffix FFmpeg guesses the format."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def nothing(stream: Stream) -> Iterable[Packet[Any]]:
    """Return no packet."""
    return ()


def holds(
    output: Path,
    add: Callable[[OutputContainer], Stream],
    packets: Callable[[Stream], Iterable[Packet[Any]]] = nothing,
) -> bool:
    """Return whether the container of `output` takes a stream, by writing a whole file in memory.

    Args:
        output: Its suffix says the container.
        add: Adds the stream.
        packets: Some packets for that stream: some containers refuse a track only when they are closed.

    """
    try:
        with av.open(_NamedBuffer(f"x{output.suffix}"), "w") as trial:
            stream = add(trial)
            trial.start_encoding()
            for packet in packets(stream):
                trial.mux(packet)
    except (av.error.FFmpegError, ValueError, OSError):
        return False
    return True


def label(target: Stream, source: Stream, output: Path) -> None:
    """Give `target`, a stream of the file `output`, the language, title and disposition of `source`."""
    tags = source.metadata
    language, title = tags.get("language"), tags.get("title") or tags.get("name")  # MP4 calls it name
    if language:
        quicktime = output.suffix.lower() == ".mov"
        target.metadata["language"] = _QUICKTIME.get(language, language) if quicktime else language
    if title:
        target.metadata["title"] = title
    target.disposition = source.disposition
