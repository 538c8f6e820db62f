"""Make the sample clip and the sample styles beside this file: nothing here was painted or filmed by anyone.

python samples/make_samples.py [DIRECTORY]
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

WIDTH, HEIGHT, FRAMES, RATE, SOUND_RATE = 192, 108, 24, 12, 44_100
SUPERSAMPLED = 4


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    write_clip(folder / "clip.mp4")
    for name, painting in {"night": night(), "mosaic": mosaic(), "embers": embers()}.items():
        cv2.imwrite(str(folder / f"{name}.jpg"), painting[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


# --- the clip: a balloon over hills at dusk, the camera travelling slowly


def write_clip(path: Path) -> None:
    with av.open(str(path), "w", container_options={"movflags": "+faststart"}) as container:
        film = container.add_stream("libx264", rate=RATE, options={"crf": "14"})
        film.width, film.height, film.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        for number in range(FRAMES):
            container.mux(film.encode(av.VideoFrame.from_ndarray(scene(number), format="rgb24")))
        container.mux(film.encode(None))
        for at, samples in chunks(melody()):
            frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            frame.rate, frame.pts, frame.time_base = SOUND_RATE, at, Fraction(1, SOUND_RATE)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def scene(number: int) -> Image:
    k = SUPERSAMPLED
    w, h, t = WIDTH * k, HEIGHT * k, number / FRAMES
    y, x = np.mgrid[:h, :w].astype(np.float32) / h
    dusk = np.array([[58, 74, 128], [236, 168, 120], [250, 214, 150]], np.float32)
    picture = (
        blend(dusk[0], dusk[1], np.clip(y * 1.6, 0, 1)) + (dusk[2] - dusk[1]) * np.clip(y * 2 - 1, 0, 1)[..., None]
    )
    sun = np.exp(-(((x - 1.25) ** 2 + (y - 0.42) ** 2) / 0.02))
    picture += np.float32([90, 70, 20]) * sun[..., None]
    for speed, base, height, color in (
        (0.10, 0.62, 0.10, (120, 106, 138)),
        (0.22, 0.74, 0.08, (86, 92, 92)),
        (0.40, 0.88, 0.07, (48, 70, 52)),
    ):
        across = x + speed * t
        ridge = base - height * (np.sin(across * 4 + base * 9) + 0.4 * np.sin(across * 11 + base * 5))
        grain = 14 * np.sin(across * 60 + np.sin(y * 40) * 3) * np.sin(y * 55 + across * 8)
        inside = np.clip((y - ridge) * h, 0, 1)[..., None]
        picture = blend(picture, np.float32(color) + grain[..., None], inside[..., 0])
    picture = np.ascontiguousarray(np.clip(picture, 0, 255).astype(np.uint8))
    draw_balloon(picture, (0.35 + 0.45 * t) * h, (0.40 - 0.10 * t + 0.01 * math.sin(t * 9)) * h, 0.15 * h)
    return cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def draw_balloon(picture: Image, x: float, y: float, radius: float) -> None:
    for stripe in range(7):
        width = radius * math.cos(stripe / 7 * math.pi / 2)
        color = (214, 62, 48) if stripe % 2 else (244, 226, 188)
        cv2.ellipse(picture, (round(x), round(y)), (round(width), round(radius)), 0, 0, 360, color, -1, cv2.LINE_AA)
    for side in (-1, 1):
        start, end = (
            (round(x + side * radius * 0.6), round(y + radius * 0.8)),
            (round(x + side * radius * 0.2), round(y + radius * 1.5)),
        )
        cv2.line(picture, start, end, (60, 40, 30), 2, cv2.LINE_AA)
    corner = round(x - radius * 0.22), round(y + radius * 1.5)
    cv2.rectangle(picture, corner, (round(x + radius * 0.22), round(y + radius * 1.75)), (110, 70, 40), -1, cv2.LINE_AA)


def blend(a: NDArray[np.float32], b: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    return a + (b - a) * share[..., None]


def melody() -> NDArray[np.float32]:
    notes = (220.0, 277.2, 329.6, 440.0)
    seconds = FRAMES / RATE
    time = np.arange(round(SOUND_RATE * seconds)) / SOUND_RATE
    step = seconds / len(notes)
    within = time % step
    pitch = np.array(notes)[np.minimum((time / step).astype(int), len(notes) - 1)]
    return (0.2 * np.sin(2 * np.pi * pitch * within) * np.exp(-3 * within)).astype(np.float32)


def chunks(samples: NDArray[np.float32], size: int = 1024) -> list[tuple[int, NDArray[np.float32]]]:
    return [(at, samples[at : at + size]) for at in range(0, len(samples), size)]


# --- the styles: brush strokes along a field of directions


def strokes(
    size: int,
    count: int,
    color: Callable[[float, float, np.random.Generator], tuple[float, float, float]],
    angle: Callable[[float, float], float],
    ground: tuple[int, int, int],
    length: float,
    thickness: tuple[int, int],
) -> Image:
    """Short curved strokes, each following the field, in colors that vary from stroke to stroke."""
    rng = np.random.default_rng(1)
    picture = np.full((size, size, 3), ground, np.uint8)
    for _ in range(count):
        x, y = rng.random(2)
        paint = np.clip(np.array(color(x, y, rng)) + rng.normal(0, 14, 3), 0, 255)
        points = [(x, y)]
        for _ in range(6):
            a = angle(*points[-1])
            points.append((points[-1][0] + math.cos(a) * length / 6, points[-1][1] + math.sin(a) * length / 6))
        width = int(rng.integers(*thickness))
        line = np.array([[round(px * size), round(py * size)] for px, py in points], np.int32)
        cv2.polylines(picture, [line], False, tuple(float(c) for c in paint), width, cv2.LINE_AA)
        light = tuple(float(c) for c in np.clip(paint + 26, 0, 255))
        cv2.polylines(picture, [line - width // 3], False, light, max(1, width // 4), cv2.LINE_AA)
    return picture


def swirl(centres: list[tuple[float, float, float]], x: float, y: float) -> float:
    """The direction around the nearest of several whirls, level far from them all."""
    dx, dy = 1.0, 0.25 * math.sin(7 * x)
    for cx, cy, strength in centres:
        near = strength * math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 0.03)
        dx, dy = dx - near * (y - cy) * 12, dy + near * (x - cx) * 12
    return math.atan2(dy, dx)


def night() -> Image:
    whirls = [(0.25, 0.3, 3.0), (0.62, 0.42, 4.0), (0.85, 0.16, 3.0), (0.45, 0.8, -2.5)]
    lamps = [(0.25, 0.3), (0.85, 0.16), (0.62, 0.42), (0.12, 0.12)]

    def color(x: float, y: float, rng: np.random.Generator) -> tuple[float, float, float]:
        glow = max(math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 0.006) for cx, cy in lamps)
        if rng.random() < glow:
            return (248, 214, 92)
        blues = ((24, 42, 110), (44, 84, 158), (96, 146, 196), (18, 26, 66), (168, 196, 200))
        return blues[int(rng.choice(5, p=(0.3, 0.3, 0.2, 0.12, 0.08)))]

    return strokes(512, 9000, color, lambda x, y: swirl(whirls, x, y), (20, 30, 80), 0.06, (3, 8))


def mosaic() -> Image:
    """Irregular tiles in warm and sea colors with dark joints."""
    rng = np.random.default_rng(2)
    size, tiles = 512, 700
    points = (rng.random((tiles, 2)) * size).astype(np.float32)
    palette = np.float32(
        [(226, 150, 62), (188, 66, 44), (240, 214, 160), (36, 110, 122), (22, 60, 84), (132, 164, 120)]
    )
    bands = (np.sin(points[:, 0] / 70) + np.cos(points[:, 1] / 55 + points[:, 0] / 130) + 2) / 4 * len(palette)
    colors = palette[np.clip(bands.astype(int), 0, len(palette) - 1)] + rng.normal(0, 16, (tiles, 3))
    y, x = np.mgrid[:size, :size].astype(np.float32)
    nearest = np.full((2, size, size), np.inf, np.float32)
    owner = np.zeros((size, size), int)
    for number, (px, py) in enumerate(points):
        distance = np.hypot(x - px, y - py)
        closer = distance < nearest[0]
        nearest[1] = np.where(closer, nearest[0], np.minimum(nearest[1], distance))
        owner[closer], nearest[0] = number, np.where(closer, distance, nearest[0])
    joint = np.clip((nearest[1] - nearest[0]) / 3, 0, 1)[..., None]
    shade = 1 - 0.25 * np.clip(nearest[0] / 14, 0, 1)[..., None]
    return np.clip(colors[owner] * shade * joint + np.float32([38, 30, 28]) * (1 - joint), 0, 255).astype(np.uint8)


def embers() -> Image:
    """Long bands of fire over dark water."""

    def color(x: float, y: float, rng: np.random.Generator) -> tuple[float, float, float]:
        level = y + 0.05 * math.sin(9 * x)
        fire = ((236, 112, 38), (250, 168, 62), (206, 60, 34), (252, 208, 120))
        deep = ((24, 38, 52), (44, 62, 66), (96, 74, 60), (14, 18, 30))
        return (fire if level < 0.55 else deep)[int(rng.integers(4))]

    def angle(x: float, y: float) -> float:
        return 0.9 * math.sin(6 * x + 3 * y) * (1 if y < 0.55 else 1.6)

    return strokes(512, 6000, color, angle, (60, 40, 36), 0.12, (4, 10))


if __name__ == "__main__":
    main()
