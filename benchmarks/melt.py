"""Does a film keep its drawing? Late frames of a film against the same frames begun afresh. Markdown.

python benchmarks/melt.py CONTENT STYLE [--size 192] [--frames 48] [--at 12 24 36 47] [--weights builtin]

Each row is a frame: style, content and drawing loss (docs/evaluate.md has the formulas) and detail, the mean squared
Laplacian, of the film over those of the frame alone. 1 is as good as fresh; above, the film melts.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from videostyle import Settings, Span, stylize_video
from videostyle.frames import Pixels
from videostyle.measure.quality.compare import FeatureLosses
from videostyle.measure.quality.feature_losses import feature_judge
from videostyle.measure.quality.formulas import LUMA, laplacian_energy, picture, ratio
from videostyle.media.image.still import read_still
from videostyle.media.probe import probe
from videostyle.media.reader import read_frames

PLAIN = {"iterations": 0, "first_iterations": 0}


def main() -> None:
    """Print the table."""
    asked = arguments()
    settings = Settings(size=asked.size, weights=asked.weights, codec="ffv1")
    with tempfile.TemporaryDirectory() as folder:
        film = made(asked, settings, Path(folder) / "film.mkv", Span(0, asked.frames))
        content = made(asked, settings.override(**PLAIN), Path(folder) / "content.mkv", Span(0, asked.frames))
        judge = feature_judge([read_still(asked.style)], asked.weights, settings.device, max(film[0].shape))
        print("| frame | style | content | drawing | detail |\n| --- | --- | --- | --- | --- |")
        for at in asked.at:
            (fresh,) = made(asked, settings, Path(folder) / f"{at}.mkv", Span(at, at + 1))
            ours, alone = (judge(content[at], pixels) for pixels in (film[at], fresh))
            detail = ratio(energy(film[at]), energy(fresh))
            print(
                f"| {at} | " + " | ".join(f"{value:.3f}" for value in (*over(ours, alone), detail)) + " |", flush=True
            )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("content", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--at", type=int, nargs="+", default=[12, 24, 36, 47])
    parser.add_argument("--weights", default="builtin")
    return parser.parse_args()


def made(asked: argparse.Namespace, settings: Settings, path: Path, span: Span) -> list[Pixels]:
    """Restyle a range of the clip, and read the result."""
    stylize_video(asked.content, asked.style, path, settings, span=span)
    clip = probe(path)
    return [frame.pixels for frame in read_frames(clip, (clip.width, clip.height), Span())]


def over(film: FeatureLosses, fresh: FeatureLosses) -> Iterator[float]:
    """Yield the losses of one picture over those of another."""
    for name in ("style_loss", "content_loss", "drawing_loss"):
        yield getattr(film, name) / getattr(fresh, name)


def energy(pixels: Pixels) -> float:
    """How much fine detail there is."""
    return laplacian_energy(picture(pixels) @ LUMA)


if __name__ == "__main__":
    main()
