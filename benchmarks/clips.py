"""Put every clip of a folder through identity mode, or a few steps, and compare what comes out: a Markdown table.

    python benchmarks/clips.py DIR [--suffix .mp4] [--size 256] [--iterations 0]

In is what PyAV alone reads from the clip, out what it reads from the copy.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

import videostyle

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.helpers.facts import Facts, facts

COLUMNS = ("clip", "frames", "times off by", "end, s", "size", "format", "tags", "sound", "other", "verdict")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--suffix", default=".mp4", help="container of the copies")
    parser.add_argument("--size", type=int, default=256, help="longest side of the copies")
    parser.add_argument("--iterations", type=int, default=0, help="steps on every frame; 0 is identity mode")
    words = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory() as folder:
        style = Path(folder) / "style.png"
        Image.fromarray(np.full((32, 32, 3), 128, np.uint8)).save(style)
        for clip in sorted(path for path in words.folder.iterdir() if path.is_file()):
            output = Path(folder) / f"{clip.stem}{words.suffix}"
            print(f"| {clip.name} | {' | '.join(row(clip, style, output, words.size, words.iterations))} |", flush=True)


def row(clip: Path, style: Path, output: Path, size: int, steps: int) -> list[str]:
    """A clip's line of the table."""
    settings = videostyle.Settings(iterations=steps, first_iterations=steps, size=size, weights="builtin")
    try:
        videostyle.stylize_video(clip, style, output, settings)
    except videostyle.VideostyleError as error:
        return [*["" for _ in COLUMNS[2:]], str(error).replace(str(clip.parent), "")]
    before, after = facts(clip, keep=1), facts(output, keep=1)
    cells = [
        changed(len(before.times), len(after.times)),
        f"{float(times_apart(before, after) * 1000):.3f} ms",
        f"{float(before.end):.3f} → {float(after.end):.3f}",
        f"{before.size[0]}x{before.size[1]} → {after.size[0]}x{after.size[1]}",
        changed(f"{before.codec} {before.pixel_format}", f"{after.codec} {after.pixel_format}"),
        changed(*("/".join(map(str, found.tags)) for found in (before, after))),
        ", ".join(sounds(before, after)) or "none",
        ", ".join(others(before, after)) or "none",
    ]
    good = len(before.times) == len(after.times) and times_apart(before, after) <= Fraction(1, 1000)
    tagged = before.tags[:3] == after.tags[:3] and (before.tags[3] or 1) == (after.tags[3] or 1)  # unsaid is limited
    return [*cells, "true" if good and tagged else "**differs**"]


def times_apart(before: Facts, after: Facts) -> Fraction:
    """The largest difference between a frame's time in and out, from the first frame on."""
    pairs = zip(before.times, after.times, strict=False)
    return max(abs((a - before.times[0]) - (b - after.times[0])) for a, b in pairs)


def sounds(before: Facts, after: Facts) -> list[str]:
    """For every track, whether its packets are the same, and how far its beginning moved against the picture."""
    found = []
    for old, new in zip(before.sounds, after.sounds, strict=True):
        kept = "bit for bit" if old.packets == new.packets else "encoded again"
        moved = float((new.begin - after.times[0]) - (old.begin - before.times[0])) * 1000
        found.append(f"{changed(old.codec, new.codec)} {kept}, {moved:+.1f} ms")
    return found


def others(before: Facts, after: Facts) -> list[str]:
    counts = {kind: (before.streams.count(kind), after.streams.count(kind)) for kind in sorted({*before.streams})}
    return [f"{kind} {changed(*pair)}" for kind, pair in counts.items() if kind not in ("video", "audio")]


def changed(old: object, new: object) -> str:
    return str(old) if old == new else f"{old} → {new}"


if __name__ == "__main__":
    main()
