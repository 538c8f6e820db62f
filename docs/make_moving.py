"""Make docs/images/moving.jpg: frames of a film whose camera moves, as a check that it keeps its drawing.

python docs/make_moving.py [--before CHECKOUT] [--size 192] [FLAG ...]

The film is the scene of `samples/clip.mp4`, twice as long. A row each: the scene, what an older CHECKOUT of videostyle
makes of it, what this one does, and each frame begun afresh. Further flags go to videostyle.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "docs" / "images" / "moving.jpg"
FRAMES = (0, 12, 24, 36, 47)

sys.path.insert(0, str(ROOT / "samples"))
from make_samples import scene  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="an older checkout, for a row of its own")
    parser.add_argument("--size", type=int, default=192, help="longest side in pixels")
    parser.add_argument("--result", type=Path, default=RESULT)
    asked, flags = parser.parse_known_args()
    flags = ["--size", str(asked.size), "--weights", "builtin", "--quiet", *flags]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for number in range(FRAMES[-1] + 1):
            Image.fromarray(scene(number)).save(work / f"scene.{number:04}.png")
        films = [film(checkout, work, flags) for checkout in (asked.before, ROOT) if checkout]
        rows = [work / "scene.%04d.png", *films, fresh(work, flags)]
        save(rows, asked.result)


def film(checkout: Path, work: Path, flags: Sequence[str]) -> Path:
    """Restyle all of the scene by the videostyle of a checkout; return the pattern of its frames."""
    result = work / f"film{len(list(work.glob('film*.0000.png')))}.%04d.png"
    run(checkout, work, [str(result), *flags])
    return result


def fresh(work: Path, flags: Sequence[str]) -> Path:
    """Restyle each shown frame on its own; return the pattern."""
    for number in FRAMES:
        run(ROOT, work, [str(work / f"fresh.{number:04}.png"), "--frames", f"{number}:{number + 1}", *flags])
    return work / "fresh.%04d.png"


def run(checkout: Path, work: Path, words: Sequence[str]) -> None:
    """Run the command on the scene."""
    program = [sys.executable, "-m", "videostyle", str(work / "scene.%04d.png"), str(ROOT / "samples" / "night.jpg")]
    subprocess.run([*program, *words], check=True, env={**os.environ, "PYTHONPATH": str(checkout)}, cwd=work)


def save(patterns: Sequence[Path], result: Path) -> None:
    """Lay the shown frames out, one row a pattern, all as large as the last one's."""
    size = Image.open(str(patterns[-1]) % FRAMES[0]).size
    rows = [np.concatenate([picture(pattern, number, size) for number in FRAMES], axis=1) for pattern in patterns]
    Image.fromarray(np.concatenate(rows)).save(result, quality=90)


def picture(pattern: Path, number: int, size: tuple[int, int]) -> np.ndarray:
    """Read a frame of numbered pictures, (H, W, 3)."""
    return np.asarray(Image.open(str(pattern) % number).convert("RGB").resize(size, Image.Resampling.LANCZOS))


if __name__ == "__main__":
    main()
