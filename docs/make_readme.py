"""Make the pictures of README.md from the samples, by the commands that stand below them there.

python docs/make_readme.py [--size 512] [--folder docs/images] [FLAG ...]

Takes minutes of a CPU; further flags go to videostyle, so that a trial takes seconds:

    python docs/make_readme.py --size 48 --folder /tmp --iterations 2 --first-iterations 4
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from videostyle.frames import Span
from videostyle.media import reader
from videostyle.media.probe import probe

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "images"
SIZE = 384  # pixels of each picture's longest side
GAP, QUALITY = 4, 90  # pixels between pictures; of the JPEG, of 100
FRAMES = (3, 11)  # of the film, one row each
STILL = 12  # the frame that is shown after every painting
STYLES = ("night", "mosaic", "embers")

FILM = f"videostyle samples/clip.mp4 samples/night.jpg film.mp4 --frames 0:12 --size {SIZE} --weights builtin"
STILLS = tuple(
    f"videostyle samples/clip.mp4 samples/{style}.jpg {style}.%04d.png --frames {STILL}:{STILL + 1} "
    f"--size {SIZE} --weights builtin"
    for style in STYLES
)
COMMANDS = (FILM, *STILLS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=SIZE, help="longest side of each picture, in pixels")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where both pictures go")
    asked, flags = parser.parse_known_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        workshop = Path(folder)
        for command in COMMANDS:
            run(command.replace(f"--size {SIZE}", f"--size {asked.size}"), flags, workshop)
        save(film(workshop / "film.mp4"), asked.folder / "readme-film.jpg")
        save(stills(workshop), asked.folder / "readme-still.jpg")


def run(command: str, flags: Sequence[str], workshop: Path) -> None:
    """Run one command in a folder, on the samples of this repository."""
    print(command, *flags, flush=True)
    words = (str(ROOT / word) if word.startswith("samples/") else word for word in shlex.split(command)[1:])
    subprocess.run([sys.executable, "-m", "videostyle", *words, *flags], cwd=workshop, check=True)


def film(result: Path) -> Image.Image:
    """Frames of the sample clip, each beside its result."""
    clip = ROOT / "samples" / "clip.mp4"
    return grid([image for index in FRAMES for image in (frame(clip, index), frame(result, index))])


def stills(workshop: Path) -> Image.Image:
    """One frame of the sample clip as it is, and after each painting."""
    results = [Image.open(workshop / f"{style}.{STILL + 1:04d}.png") for style in STYLES]
    return grid([frame(ROOT / "samples" / "clip.mp4", STILL), *results])


def frame(video: Path, index: int) -> Image.Image:
    """One frame of a video."""
    clip = probe(video)
    (found,) = reader.read_frames(clip, (clip.width, clip.height), Span(index, index + 1))
    return Image.fromarray(found.pixels)


def grid(images: Sequence[Image.Image]) -> Image.Image:
    """Images in two columns on white, all at the size of the second one."""
    width, height = images[1].size
    rows = -(-len(images) // 2)
    sheet = Image.new("RGB", (2 * width + GAP, rows * (height + GAP) - GAP), "white")
    for number, image in enumerate(images):
        left, top = number % 2 * (width + GAP), number // 2 * (height + GAP)
        sheet.paste(image.resize((width, height), Image.Resampling.LANCZOS), (left, top))
    return sheet


def save(sheet: Image.Image, path: Path) -> None:
    """Write a JPEG."""
    sheet.save(path, quality=QUALITY)
    print(f"{path}, {sheet.width}x{sheet.height}, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
