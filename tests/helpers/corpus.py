"""Tiny films with one trap each, made by the tests, and what is true of a copy of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av
import numpy as np

from tests.helpers import media

MS = Fraction(1, 1000)
TS = Fraction(1, 90000)


@dataclass(frozen=True)
class Case:
    """A trap.

    Args:
        name: Of the case; its suffix is the source's.
        make: Writes the source to a path.
        output: Suffixes of the copies.
        moved: The source's clock has no zero: the copy's starts at 0.
        says: Words of the notices that the copy has to give; no others are allowed.
        padded: Sides of the copy are one larger.
        alike: Least PSNR of first and last picture; None where they cannot be compared.
        codecs: Of the copied sound, by suffix of the copy, where it is transcoded.

    """

    name: str
    make: Callable[[Path], Any]
    output: Sequence[str] = (".mp4",)
    moved: bool = False
    says: Sequence[str] = ()
    padded: bool = False
    alike: float | None = 27
    codecs: dict[str, str] = field(default_factory=dict)


def film(
    path: Path,
    *,
    pts: Sequence[int] = range(8),
    base: Fraction = Fraction(1, 24),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    size: tuple[int, int] = (64, 48),
    sound: str | None = None,
    late: float = 0,
    seconds: float | None = None,
    layout: str = "mono",
    last: int | None = None,
    bframes: int | None = None,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    rotation: int = 0,
    mirrored: bool = False,
    aspect: Fraction | None = None,
    timecode: str | None = None,
    reel: str | None = None,
    rate: Fraction | int = 24,
    hole: float = 0,
    form: str | None = None,
    title: str = "",
    tags: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """A film of a pan with every frame at a chosen time, and a tone if wanted."""
    ticks = list(pts)
    with av.open(str(path), "w", format=form, container_options=container or {}) as target:
        target.metadata.update({"title": title, **tags})
        stream = target.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = base
        stream.codec_context.flags |= av.codec.context.Flags.frame_duration
        if bframes is not None:
            stream.codec_context.max_b_frames = bframes
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        if timecode is not None:
            stream.metadata["timecode"] = timecode
        if reel is not None:
            stream.metadata["reel_name"] = reel
        voice = target.add_stream(sound, rate=48000 if "opus" in sound else 44100, layout=layout) if sound else None
        steps = [b - a for a, b in pairwise(ticks)]
        for image, tick, step in zip(
            media.panning(len(ticks), *size), ticks, [*steps, last or (steps or [1])[-1]], strict=True
        ):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base, frame.duration = tick, base, step
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
        if voice is not None:
            begin = max(0, float(ticks[0] * base)) + late
            length = seconds if seconds is not None else float((ticks[-1] - ticks[0] + 1) * base)
            tone(target, voice, begin, length, hole)
    return path


def tone(
    target: av.container.OutputContainer, voice: av.AudioStream, begin: float, seconds: float, hole: float
) -> None:
    """A sine of so many seconds; a hole is a pause in the clock half way, not silence."""
    rate, kind = voice.rate, voice.codec_context.format
    count, channels = round(rate * seconds), voice.layout.nb_channels
    wave = np.sin(np.arange(count) * 2 * np.pi * 440 / rate) * 0.3
    samples = wave.astype(np.float32) if "flt" in kind.name else (wave * 32767).astype(np.int16)
    planar = np.repeat(samples[None], channels, axis=0)
    source = "fltp" if "flt" in kind.name else "s16p"
    resampler = av.AudioResampler(format=kind, layout=voice.layout, rate=rate, frame_size=voice.frame_size or None)
    pieces = [(0, planar)] if not hole else [(0, planar[:, : count // 2]), (hole, planar[:, count // 2 :])]
    for pause, piece in pieces:
        at = round((begin + pause) * rate) + (count // 2 if pause else 0)
        for k in range(0, piece.shape[1], voice.frame_size or 1024):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(piece[:, k : k + (voice.frame_size or 1024)]), format=source, layout=voice.layout
            )
            frame.sample_rate, frame.pts, frame.time_base = rate, at + k, Fraction(1, rate)
            if hole:
                target.mux(voice.encode(frame))
            else:
                for even in resampler.resample(frame):
                    target.mux(voice.encode(even))
    for even in [] if hole else resampler.resample(None):
        target.mux(voice.encode(even))
    target.mux(voice.encode(None))


def gif(path: Path) -> Path:
    """Frames of 30, 50, 200 and 20 ms."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream("gif", rate=100, width=64, height=48, pix_fmt="rgb8")
        stream.time_base = stream.codec_context.time_base = Fraction(1, 100)
        for image, tick in zip(media.panning(4), (0, 3, 8, 28), strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="rgb8")
            frame.pts = tick
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def same_time_twice(path: Path) -> Path:
    with av.open(str(path), "w") as target:
        stream = target.add_stream("ffv1", rate=24, width=64, height=48, pix_fmt="yuv420p")
        stream.time_base = stream.codec_context.time_base = MS
        for image, tick in zip(media.panning(5), (0, 40, 40, 80, 120), strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts = tick
            for packet in stream.encode(frame):
                packet.pts = packet.dts = tick
                target.mux(packet)
    return path


def two_sizes(path: Path) -> Path:
    """A broadcast whose picture becomes smaller half way."""
    parts = []
    for k, size in enumerate(((64, 48), (48, 32))):
        part = path.with_suffix(f".{k}.ts")
        parts.append(film(part, pts=[3600 * (t + 6 * k) for t in range(6)], base=TS, size=size, bframes=0))
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    return path


def two_films(path: Path) -> Path:
    """Two video tracks; the second one is the default."""
    with av.open(str(path), "w", container_options={"default_mode": "passthrough"}) as target:
        streams = [target.add_stream("libx264", rate=24, width=w, height=48, pix_fmt="yuv420p") for w in (32, 64)]
        streams[1].disposition = av.stream.Disposition.default
        for k in range(6):
            for stream, image in zip(streams, (media.texture(32, 48), media.panning(6)[k]), strict=True):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts = k
                target.mux(stream.encode(frame))
        for stream in streams:
            target.mux(stream.encode(None))
    return path


def with_cover(path: Path) -> Path:
    source = film(path.with_suffix(".film.mp4"), sound="aac")
    with av.open(str(source)) as given, av.open(str(path), "w") as target:
        cover = target.add_stream("png", rate=1, width=32, height=32, pix_fmt="rgb24")
        cover.disposition = av.stream.Disposition.attached_pic
        streams = {s.index: target.add_stream_from_template(s) for s in given.streams}
        target.mux(cover.encode(av.VideoFrame.from_ndarray(media.texture(32, 32), format="rgb24")))
        target.mux(cover.encode(None))
        for packet in given.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    source.unlink()
    return path


def edited(path: Path) -> Path:
    """An edit list hides the first three of twelve frames, and the sound that goes with them."""
    source = film(path.with_suffix(".whole.mp4"), pts=[512 * t for t in range(12)], base=Fraction(1, 12288), bframes=0)
    with av.open(str(source)) as given, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.size:
                packet.stream = stream
                packet.pts, packet.dts = packet.pts - 3 * 512, packet.dts - 3 * 512
                target.mux(packet)
    source.unlink()
    return path


def interlaced(path: Path) -> Path:
    images = media.panning(9, step=4)
    with av.open(str(path), "w") as target:
        stream = target.add_stream("mpeg2video", rate=25, width=64, height=48, pix_fmt="yuv420p")
        stream.codec_context.flags |= av.codec.context.Flags.interlaced_dct
        stream.codec_context.bit_rate = 4_000_000
        for k in range(8):
            combed = images[k].copy()
            combed[1::2] = images[k + 1][1::2]
            frame = av.VideoFrame.from_ndarray(combed, format="rgb24").reformat(format="yuv420p")
            frame.pts = k
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def clear(path: Path) -> Path:
    with av.open(str(path), "w") as target:
        stream = target.add_stream("png", rate=24, width=64, height=48, pix_fmt="rgba")
        for k, image in enumerate(media.panning(4)):
            frame = av.VideoFrame.from_ndarray(np.dstack([image, np.full((48, 64), 100, np.uint8)]), format="rgba")
            frame.pts = k
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def hurt(path: Path, **words: Any) -> Path:
    """A film with a frame of nonsense in its middle."""
    film(path, pts=range(12), options={"g": "4"}, **words)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        middle = packets[6]
    data[middle.pos + 12 : middle.pos + middle.size] = b"\xff" * (middle.size - 12)
    path.write_bytes(data)
    return path


def old_title(path: Path) -> Path:
    """A title of a time before UTF-8."""
    path.write_bytes(film(path, title="Amélie!", sound="aac").read_bytes().replace("é".encode(), b"\xe9?"))
    return path


def cut_off(path: Path, share: float = 0.6, **words: Any) -> Path:
    film(path, pts=range(40), **words)
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * share)])
    return path


def made(**words: Any) -> Callable[[Path], Path]:
    return lambda path: film(path, **words)


NTSC = Fraction(1001, 30000)
WRAP = 2**33
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}

CASES = [
    # time
    Case("constant.mp4", made(sound="aac"), (".mp4", ".mov", ".mkv")),
    Case("variable.mkv", made(pts=[0, 1, 40, 41, 500, 501, 1003, 1004], base=MS), (".mp4", ".mov", ".mkv")),
    Case("one_ms.mkv", made(pts=range(12), base=MS), (".mp4", ".mkv")),
    Case("ntsc.mp4", made(base=NTSC, sound="aac"), (".mp4", ".mov", ".mkv")),
    Case("ntsc_film.mov", made(base=Fraction(1001, 24000), sound="aac"), (".mp4", ".mov")),
    Case("high_rate.mp4", made(pts=range(12), base=Fraction(1, 240))),
    Case("edit_list.mp4", edited, (".mp4", ".mkv")),
    Case("late_video.mkv", made(pts=range(500, 820, 40), base=MS, sound="flac", late=-0.5), (".mkv", ".mp4")),
    Case("late_sound.mp4", made(sound="aac", late=0.2), (".mp4", ".mkv")),
    Case("late_sound.mkv", made(pts=range(0, 320, 40), base=MS, sound="flac", late=0.21), (".mkv", ".mp4")),
    Case("negative.mkv", made(pts=range(-1000, -680, 40), base=MS), (".mp4", ".mkv"), moved=True),
    Case("huge.mkv", made(pts=range(10**8, 10**8 + 320, 40), base=MS, sound="flac"), (".mp4", ".mkv"), moved=True),
    Case("broadcast.ts", made(pts=range(0, 28800, 3600), base=TS, sound="aac"), (".mp4", ".mkv"), moved=True),
    Case("wrapping.ts", made(pts=[WRAP - 300_000 + 3600 * t for t in range(12)], base=TS), moved=True),
    Case("delays.gif", gif, (".mp4", ".mkv"), alike=20),
    Case("one_frame.mp4", made(pts=[0])),
    Case("one_frame.mkv", made(pts=[0]), (".mkv", ".mp4")),
    Case("long_last.mp4", made(last=48), (".mp4", ".mov")),
    Case("b_frames.avi", made(codec="mpeg4", bframes=2), (".mp4",)),
    Case(
        "motion_jpeg.avi",
        made(codec="mjpeg", pixel_format="yuvj420p", sound="pcm_s16le"),
        (".mp4", ".mkv"),
        codecs={".mp4": "alac"},
    ),
    Case("same_time.mkv", same_time_twice, (".mp4",), says=["not later than the one before"]),
    Case("fragmented.mp4", made(container=FRAGMENTED, sound="aac")),
    Case("old_title.mkv", old_title, (".mp4", ".mkv")),
    Case("old_title.mp4", old_title, (".mp4", ".mkv")),
    Case("timecode.mov", made(timecode="01:00:00:00"), (".mov", ".mp4")),
    Case("web.webm", made(codec="libvpx-vp9", sound="libopus"), (".webm", ".mp4", ".mkv")),
    # sound
    Case("long_sound.mp4", made(sound="aac", seconds=1.5), (".mp4", ".mkv")),
    Case("short_sound.mp4", made(sound="aac", seconds=0.12), (".mp4", ".mkv")),
    Case("plain_pcm.avi", made(codec="mpeg4", sound="pcm_s16le"), (".mkv", ".mp4", ".mov"), codecs={".mp4": "alac"}),
    Case("surround.mkv", made(sound="ac3", layout="5.1"), (".mp4", ".mkv")),
    Case("mp3.mkv", made(sound="libmp3lame", layout="stereo"), (".mp4", ".mkv")),
    Case("to_opus.mkv", made(sound="flac"), (".webm",), codecs={".webm": "opus"}),
    Case("hole.mkv", made(sound="flac", hole=0.4), (".webm",), codecs={".webm": "opus"}),
    Case("to_alac.mkv", made(sound="flac"), (".mov",), codecs={".mov": "alac"}),
    # picture
    *(Case(f"turned_{turn}.mp4", made(rotation=turn), (".mp4", ".mkv")) for turn in (90, 180, 270)),
    Case("mirrored.mp4", made(mirrored=True)),
    Case("mirrored_turned.mp4", made(mirrored=True, rotation=90)),
    Case("anamorphic.mp4", made(aspect=Fraction(4, 3)), (".mp4", ".mov", ".mkv")),
    Case("anamorphic_turned.mp4", made(aspect=Fraction(4, 3), rotation=90)),
    Case("odd.mkv", made(codec="ffv1", pixel_format="bgr0", size=(33, 31)), says=["made even"], padded=True),
    Case("two_sizes.ts", two_sizes, moved=True, says=["64x48 to 48x32"], alike=None),
    Case("combed.ts", interlaced, moved=True, says=["interlaced"], alike=None),
    Case("clear.mov", clear, says=["transparent"], alike=None),
    Case("gray.mkv", made(codec="ffv1", pixel_format="gray"), (".mp4", ".mkv")),
    Case("gray_h264.mkv", made(pixel_format="gray"), (".mp4",)),
    Case("covered.mp4", with_cover, (".mp4", ".mkv")),
    Case("two_films.mkv", two_films, (".mp4",), says=["2 video tracks"]),
    # damage
    Case("hurt.mp4", lambda path: hurt(path, bframes=0), says=["damaged"], alike=None),
    Case("hurt.mkv", lambda path: hurt(path, bframes=0), says=["damaged"], alike=None),
    Case("cut.mkv", lambda path: cut_off(path, sound="flac"), (".mp4",), says=["breaks off"], alike=None),
    Case(
        "cut.mp4",
        lambda path: cut_off(path, 0.8, container={"movflags": "+faststart"}),
        (".mp4",),
        says=["breaks off"],
        alike=None,
    ),
]
