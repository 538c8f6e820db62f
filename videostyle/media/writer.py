"""Frames → one finished video file, with the source's audio."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from videostyle.frames import Frame
from videostyle.media.audio.tracks import Track
from videostyle.media.clip import Clip
from videostyle.media.encoder import Encoder
from videostyle.media.ffmpeg import ffmpeg_errors
from videostyle.media.muxer import Muxer
from videostyle.media.video.codecs import Encoding


class VideoWriter:
    """Encodes frames and muxes their packets at once; a context manager. Arguments and errors are those of `Muxer`."""

    def __init__(
        self,
        path: Path,
        clip: Clip,
        size: tuple[int, int],
        encoding: Encoding,
        tracks: list[Track],
        *,
        from_zero: bool = False,
        comment: str = "",
        replace: bool = True,
    ) -> None:
        self._path = path
        self._muxer = Muxer(path, clip, size, encoding, tracks, from_zero=from_zero, comment=comment, replace=replace)
        self._encoder = Encoder(clip, size, encoding)

    def write(self, frame: Frame) -> None:
        """Encode one frame; the next one must be the next of the clip.

        Raises:
            MediaError: A frame between the last one and this is missing, or encoding or writing failed.

        """
        with ffmpeg_errors(self._path):
            packets = self._encoder.encode(frame)
        for packet in packets:
            self._muxer.mux(packet)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            try:
                self._flush()
            except BaseException:
                self._muxer.discard()
                raise
        self._muxer.__exit__(kind, error, trace)

    def _flush(self) -> None:
        with ffmpeg_errors(self._path):
            packets = self._encoder.flush()
        for packet in packets:
            self._muxer.mux(packet)
