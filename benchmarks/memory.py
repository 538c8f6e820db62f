"""Measure how well what was hidden comes back: a disc passes over a ground under a pan, and the ground reappears.

    python benchmarks/memory.py STYLE [--frames 24] [--width 192] [--height 108] [--weights builtin]

Both motions are known (see flow.py). Of every pixel of the ground that was hidden, the last result before and the one
`LATER` frames after it reappeared are compared, moved along the known pan: mean absolute differences in levels. So are
pixels that were never hidden, over as many frames. The film is made with older frames recalled, and without.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import torch
from flow import Matrix, Places, camera, clip, disc
from numpy.typing import NDArray

from videostyle import Settings
from videostyle.frames import Frame, Pixels
from videostyle.media.image import still
from videostyle.motion import follow
from videostyle.style.features import weights
from videostyle.style.features.layers import layer_shares
from videostyle.style.features.vgg import VGG19
from videostyle.style.stylizer import Stylizer

LATER = 3  # frames
MARGIN = 2  # pixels around the disc that count as hidden


def film(width: int, height: int, count: int) -> list[Pixels]:
    pairs = list(clip("disc", width, height, count))
    return [pairs[0].there, *(pair.here for pair in pairs)]


def stylized(images: Sequence[Pixels], style: Pixels, settings: Settings, network: VGG19) -> list[Pixels]:
    frames = (Frame(image, t, Fraction(1, 24), 1, t) for t, image in enumerate(images))
    stylizer = Stylizer(settings, network, [style], torch.device("cpu"))
    steps = follow.follow_motion(frames, settings.flow, settings.flow_mask)
    return [made.frame.pixels for made in stylizer.stylize(steps)]


def ends(now: int, then: int, x: Matrix, y: Matrix) -> tuple[Matrix, Matrix]:
    """Where the ground that pixels of frame `now` show is in frame `then`."""
    height, width = x.shape
    way = np.linalg.inv(camera("disc", then, width, height)) @ camera("disc", now, width, height)
    return way[0, 0] * x + way[0, 1] * y + way[0, 2], way[1, 0] * x + way[1, 1] * y + way[1, 2]


def hidden(now: int, then: int, x: Matrix, y: Matrix) -> Places:
    """Whether the disc, or the border of the picture, hid it in frame `then`."""
    height, width = x.shape
    px, py = ends(now, then, x, y)
    cx, cy, radius = disc("disc", then, width, height)
    outside = (px < 0) | (py < 0) | (px > width - 1) | (py > height - 1)
    return outside | (np.hypot(px - cx, py - cy) < radius + MARGIN)


def compared(made: Sequence[Pixels]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Differences of what has reappeared, and of what was in sight all the time, for each two frames that have any."""
    height, width = made[0].shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    for now in range(LATER + 2, len(made)):
        out_of_sight = np.array([hidden(now, t, x, y) for t in range(now + 1)])
        back = ~out_of_sight[now - LATER :].any(0) & out_of_sight[now - LATER - 1]
        for then in range(now - LATER - 1):
            since = back & ~out_of_sight[then] & out_of_sight[then + 1 : now - LATER].all(0)
            if since.any():
                apart = _apart(made, now, then, x, y)
                yield apart[since], apart[~out_of_sight[then:].any(0)]


def _apart(made: Sequence[Pixels], now: int, then: int, x: Matrix, y: Matrix) -> NDArray[np.float64]:
    px, py = (places.astype(np.float32) for places in ends(now, then, x, y))
    moved = cv2.remap(made[then].astype(np.float32), px, py, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.abs(made[now] - moved.clip(0, 255)).mean(-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("style", type=Path)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--height", type=int, default=108)
    parser.add_argument("--weights", default="builtin")
    words = parser.parse_args()
    settings = Settings(weights=words.weights, device="cpu")
    built = weights.load(settings.weights, layer_shares((*settings.content_layers, *settings.style_layers)))
    network, style = VGG19(built.tensors, built.pooling), still.read_still(words.style)
    images = film(words.width, words.height, words.frames)
    print("| older frames kept | reappeared | always in sight |\n| --- | --- | --- |")
    for kept in (follow.MAX_REFERENCES, 0):
        follow.MAX_REFERENCES = kept
        pairs = list(compared(stylized(images, style, settings, network)))
        back, rest = (np.concatenate(each).mean() for each in zip(*pairs, strict=True))
        print(f"| {kept} | {back:.1f} | {rest:.1f} |", flush=True)
    back, rest = (np.concatenate(each).mean() for each in zip(*compared(images), strict=True))
    print(f"| (the film itself) | {back:.1f} | {rest:.1f} |")


if __name__ == "__main__":
    main()
