"""Clips and pictures made for the tests: every frame and sound packet is known."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
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
    tags: int | None = None,
) -> Path:
    """A clip of `images`, with a tone in `sound` of the same length."""
    base = time_base or Fraction(1, rate)
    ticks = list(pts) if pts is not None else [round(Fraction(t, rate) / base) for t in range(len(images))]
    with av.open(str(path), "w") as container:
        film = container.add_stream(codec, rate=rate)
        film.height, film.width = images[0].shape[:2]
        film.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        film.time_base = film.codec_context.time_base = base
        if rotation:
            film.set_display_rotation(rotation)
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


def sound_packets(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return [(p.pts * p.time_base, bytes(p)) for p in packets if p.dts is not None]


def psnr(a: Image, b: Image) -> float:
    error = np.mean((a.astype(float) - b) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def write_picture(path: Path, width: int = 64, height: int = 48, seed: int = 0) -> Path:
    cv2.imwrite(str(path), texture(width, height, seed)[..., ::-1])
    return path
