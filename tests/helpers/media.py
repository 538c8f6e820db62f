"""Clips and pictures made for the tests: every frame and sound packet is known."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from av.subtitles.subtitle import SubtitleSet
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def texture(width: int, height: int, seed: int = 0) -> Image:
    """Smooth blobs on a warm ground: something that flow can hold on to, and no gray whose hue jumps."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (height, width, 3)).astype(np.float32)
    smooth = sum(cv2.GaussianBlur(noise, (0, 0), s) * s for s in (2.5, 6.0))
    return np.clip(np.float32([190, 130, 70]) + 30 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def panning(count: int, width: int = 64, height: int = 48, step: int = 2, seed: int = 0) -> list[Image]:
    """The camera moves right by `step` pixels a frame, so that the picture moves left."""
    wide = texture(width + step * count, height, seed)
    return [np.ascontiguousarray(wide[:, step * t : step * t + width]) for t in range(count)]


def relit(image: Image, to_black: float = 1.0, to_white: float = 1.0) -> Image:
    """Faded to black by `to_black`, and to white by `to_white`; 1 is full light."""
    return np.rint(255 - to_white * (255 - to_black * image.astype(np.float32))).astype(np.uint8)


def write_clip(
    path: Path,
    images: Sequence[Image],
    *,
    rate: int = 24,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    codec: str = "ffv1",
    sound: str | None = "flac",
    rotation: int = 0,
    mirrored: bool = False,
    tags: int | None = None,
    faststart: bool = False,
) -> Path:
    """A clip of `images`, with a tone in `sound` of the same length."""
    base = time_base or Fraction(1, rate)
    ticks = list(pts) if pts is not None else [round(Fraction(t, rate) / base) for t in range(len(images))]
    options = {"movflags": "+faststart"} if faststart and path.suffix == ".mp4" else {}
    with av.open(str(path), "w", container_options=options) as container:
        film = container.add_stream(codec, rate=rate)
        film.height, film.width = images[0].shape[:2]
        film.pix_fmt = {"ffv1": "bgr0", "png": "rgb24"}.get(codec, "yuv420p")
        film.time_base = film.codec_context.time_base = base
        if rotation or mirrored:
            film.set_display_rotation(rotation, hflip=mirrored)
        if tags is not None:
            context = film.codec_context
            context.colorspace = context.color_primaries = context.color_trc = tags
            context.color_range = 1
        voice = container.add_stream(sound, rate=44100, layout="mono") if sound else None
        for image, tick in zip(images, ticks, strict=True):
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = tick, base
            container.mux(film.encode(picture))
        container.mux(film.encode(None))
        if voice is not None:
            write_tone(container, voice, len(images) / rate)
    return path


ASS = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Alignment
Style: Default,Arial,16,&Hffffff,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
LINES = ((200, 300, "hello"), (900, 400, "world"))  # milliseconds, and what the subtitles of `write_full` say


def write_full(path: Path, count: int = 48) -> Path:
    """A Matroska film with all that can go with one: two sounds, two subtitles, a font, chapters, titles."""
    base = Fraction(1, 1000)
    with av.open(str(path), "w", container_options={"default_mode": "passthrough"}) as container:
        film = container.add_stream("libx264", rate=24, width=64, height=48, pix_fmt="yuv420p")
        film.time_base = film.codec_context.time_base = base
        film.metadata["title"] = "the film"
        voices = [container.add_stream(codec, rate=44100, layout="mono") for codec in ("flac", "aac")]
        voices[0].metadata.update(language="eng", title="English")
        voices[1].metadata.update(language="deu", title="Deutsch")
        voices[1].disposition = av.stream.Disposition.default
        texts = [container.add_stream(codec) for codec in ("subrip", "ass")]
        for text in texts:
            text.codec_context.subtitle_header, text.time_base = ASS, base
        texts[0].metadata["language"] = "fra"
        container.add_attachment("font.ttf", "font/ttf", b"12345")
        container.metadata.update(title="A film", artist="someone")
        marks = (0, 1000, 2000)
        container.set_chapters(
            [
                {"id": k, "start": a, "end": b, "time_base": base, "metadata": {"title": f"Part {k}"}}
                for k, (a, b) in enumerate(pairwise(marks), 1)
            ]
        )
        for k, image in enumerate(panning(count)):
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = round(k * 1000 / 24), base
            container.mux(film.encode(picture))
        container.mux(film.encode(None))
        for voice, seconds in zip(voices, (count / 24, count / 24 + 0.5), strict=True):
            write_tone(container, voice, seconds)
        for text in texts:
            for start, length, words in LINES:
                line = SubtitleSet.create(f"0,0,Default,,0,0,0,,{words}".encode(), 0, length, start)
                packet = text.codec_context.encode_subtitle(line)
                packet.stream, packet.time_base = text, base
                packet.pts, packet.dts, packet.duration = start, start, length
                container.mux(packet)
    return path


def texts(path: Path, track: int = 0) -> list[tuple[int, int, str]]:
    """Start and length in milliseconds, and the words, of a subtitle track."""
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[track]
        found = []
        for packet in container.demux(stream):
            for line in stream.decode(packet) if packet.size else ():
                words = line.dialogue.decode() or line.text.decode()
                times = (round(ticks * packet.time_base * 1000) for ticks in (packet.pts, packet.duration))
                found.append((*times, words))
        return found


def write_tone(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    kind = stream.codec_context.format.name
    count = round(44100 * seconds)
    tone = np.sin(np.arange(count) * 2 * np.pi * 440 / 44100)
    if kind.startswith("u8"):
        samples = (tone * 80 + 128).astype(np.uint8)
    else:
        samples = tone.astype(np.float32) if kind.startswith("flt") else (tone * 8000).astype(np.int16)
    for at in range(0, count, 1024):
        chunk = np.ascontiguousarray(samples[None, at : at + 1024])
        frame = av.AudioFrame.from_ndarray(chunk, format=kind, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 44100, at, Fraction(1, 44100)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def shown(path: Path) -> tuple[list[Image], list[Fraction]]:
    """All frames and their times, read with PyAV alone."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"
        frames = list(container.decode(stream))
        return [f.to_ndarray(format="rgb24") for f in frames], [f.pts * f.time_base for f in frames]


def samples(path: Path, track: int = 0) -> tuple[Fraction, NDArray[np.float64]]:
    """When a sound track begins, and the samples of its first channel in [-1, 1], as a player hears them."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[track]
        frames = list(container.decode(stream))
        even = [f.to_ndarray()[0, :: 1 if f.format.is_planar else f.layout.nb_channels] for f in frames]
        full = 1 if even[0].dtype.kind == "f" else np.iinfo(even[0].dtype).max + 1
        return frames[0].pts * frames[0].time_base, np.concatenate(even) / full


def sound_packets(path: Path, track: int = 0) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[track])
        return [(p.pts * p.time_base, bytes(p)) for p in packets if p.dts is not None]


def psnr(a: Image, b: Image) -> float:
    error = np.mean((a.astype(float) - b) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def write_picture(path: Path, width: int = 64, height: int = 48, seed: int = 0) -> Path:
    cv2.imwrite(str(path), texture(width, height, seed)[..., ::-1])
    return path
