"""Measure how much a picture's look depends on its size, and how well a preview foretells the final picture.

python benchmarks/same_look.py [--content PICTURE] [--style PICTURE] [--sizes 128 256 512] [--strip FILE.jpg]

Every result is compared with a larger one that is scaled down to it by area. Both are blurred (Gaussian, sigma 1/64 of
the longest side), so that the places of single strokes do not count. Then, over all pixels and channels in [0, 1]:
Pearson's correlation, and the root mean square difference. `color` is the root mean square over the channels of the
differences in mean and in standard deviation. Two seeds at one size are the yardstick; the content itself, at the
smaller size, is what no styling at all would give.
"""

from __future__ import annotations

import argparse
import itertools
import runpy
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videostyle import Settings, stylize_image
from videostyle.settings import PREVIEW_SIDE

SAMPLES = Path(__file__).parents[1] / "samples"
FRAME = 12  # of the sample scene
BLUR = 1 / 64  # of the longest side

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """How much two pictures of one size are alike."""

    correlation: float
    difference: float
    color: float

    def __str__(self) -> str:
        return f"{self.correlation:.3f} | {self.difference:.3f} | {self.color:.3f}"


@dataclass(frozen=True)
class Job:
    """A content, a style, and a folder for the results."""

    content: Path
    style: Path
    folder: Path

    @cache  # noqa: B019  # lives as long as the program
    def result(self, size: int, seed: int = 0, preview: bool = False) -> Picture:
        """The content restyled with the standard settings; a preview has fewer steps."""
        settings = Settings(size=size, seed=seed, weights="builtin", device="cpu")
        output = self.folder / f"{size}_{seed}_{preview}.png"
        stylize_image(self.content, self.style, output, settings.for_preview() if preview else settings)
        return read(output)


def read(path: Path) -> Picture:
    return np.asarray(Image.open(path).convert("RGB"), np.float32) / np.float32(255)


def render_scene(path: Path, width: int) -> None:
    """A frame of the sample clip, drawn at another size."""
    samples = runpy.run_path(str(SAMPLES / "make_samples.py"))
    scene = samples["scene"]
    scene.__globals__.update(WIDTH=width, HEIGHT=width * samples["HEIGHT"] // samples["WIDTH"])
    Image.fromarray(scene(FRAME)).save(path)


def reduced(picture: Picture, like: Picture) -> Picture:
    """A picture scaled down by area to the size of another."""
    return np.asarray(cv2.resize(picture, like.shape[1::-1], interpolation=cv2.INTER_AREA), np.float32)


def agreement(small: Picture, large: Picture) -> Agreement:
    sigma = max(small.shape) * BLUR
    a, b = (cv2.GaussianBlur(p, (0, 0), sigma) for p in (small, reduced(large, small)))
    moments = [np.concatenate([p.mean((0, 1)), p.std((0, 1))]) for p in (a, b)]
    return Agreement(float(np.corrcoef(a.ravel(), b.ravel())[0, 1]), rms(a - b), rms(moments[0] - moments[1]))


def rms(values: Picture) -> float:
    return float(np.sqrt(np.square(values).mean()))


def rows(job: Job, sizes: list[int]) -> Iterator[tuple[str, Agreement]]:
    """What is compared, and how it came out."""
    for smaller, larger in itertools.pairwise(sizes):
        yield f"{smaller} and {larger} px", agreement(job.result(smaller), job.result(larger))
    if len(sizes) > 2:
        yield f"{sizes[0]} and {sizes[-1]} px", agreement(job.result(sizes[0]), job.result(sizes[-1]))
    for size in sizes[:2]:
        yield f"{size} px, seeds 0 and 1", agreement(job.result(size), job.result(size, seed=1))
    final = sizes[1]
    preview = job.result(round(final * PREVIEW_SIDE), preview=True)
    yield f"preview and final, {final} px", agreement(preview, job.result(final))
    content = read(job.content)
    yield f"content and {sizes[0]} px", agreement(job.result(sizes[0]), content)


def write_strip(path: Path, job: Job, sizes: list[int]) -> None:
    """The results side by side, all at the smallest size, the preview last."""
    found = [job.result(size) for size in sizes]
    found.append(job.result(round(sizes[1] * PREVIEW_SIDE), preview=True))
    side = np.hstack([reduced(picture, found[0]) for picture in found])
    Image.fromarray((side * 255).round().clip(0, 255).astype(np.uint8)).save(path, quality=90, subsampling=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", type=Path, help="a picture; a frame of the sample clip by default")
    parser.add_argument("--style", type=Path, default=SAMPLES / "night.jpg")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256], help="longest sides, rising, two or more")
    parser.add_argument("--strip", type=Path, help="write the results side by side here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        content = asked.content or Path(folder) / "content.png"
        if asked.content is None:
            render_scene(content, max(asked.sizes))
        job = Job(content, asked.style, Path(folder))
        print("| compared | correlation | difference | color |\n| --- | --- | --- | --- |")
        for name, found in rows(job, asked.sizes):
            print(f"| {name} | {found} |", flush=True)
        if asked.strip:
            write_strip(asked.strip, job, asked.sizes)


if __name__ == "__main__":
    main()
