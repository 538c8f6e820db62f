"""Measure what tiles change: one picture restyled whole, and through a network that sees it in tiles.

python benchmarks/tiles.py [--tile 64] [--steps 10]

The picture is a frame of the sample clip at 192x128 in the style of samples/night.jpg. Differences are means of
absolute values over pixels and channels, in levels of 255, within 8 pixels of a border between tiles and elsewhere.
Before any step, on the content picture with faint noise, the activations are compared, as each layer's largest
difference over its root mean square, and the gradient, as the mean difference over its mean.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from videostyle import Settings
from videostyle.frames import Frame, Pixels, Span, TrackedFrame
from videostyle.media import reader
from videostyle.media.image import still
from videostyle.media.probe import probe
from videostyle.style.features import weights
from videostyle.style.features.layers import layer_shares
from videostyle.style.features.vgg import VGG19
from videostyle.style.objective.look import Look, Style
from videostyle.style.objective.terms import Objective
from videostyle.style.pixels import to_tensor
from videostyle.style.stylizer import Stylizer
from videostyle.style.tiling import Tiled

SAMPLES = Path(__file__).parents[1] / "samples"
FRAME, WIDTH, HEIGHT = 12, 192, 128
NEAR = 8  # pixels from a border
CPU = torch.device("cpu")


def read_content() -> Pixels:
    clip = probe(SAMPLES / "clip.mp4")
    (frame,) = reader.read_frames(clip, (WIDTH, HEIGHT), Span(FRAME, FRAME + 1))
    return frame.pixels


def read_style() -> Pixels:
    return still.read_still(SAMPLES / "night.jpg")


def restyled(network: VGG19 | Tiled, content: Pixels, settings: Settings) -> Pixels:
    stylizer = Stylizer(settings, network, [read_style()], CPU)  # type: ignore[arg-type]  # all that it asks is activations
    (made,) = stylizer.stylize([TrackedFrame(Frame(content, 0, Fraction(1), 1, 0), None)])
    return made.frame.pixels


def near_borders(tile: int) -> NDArray[np.bool_]:
    """(HEIGHT, WIDTH): where a border between tiles is within `NEAR` pixels."""
    down, across = (_near(side, tile) for side in (HEIGHT, WIDTH))
    return down[:, None] | across[None]


def _near(side: int, tile: int) -> NDArray[np.bool_]:
    count = max(1, round(side / tile))
    borders = [round(side / count * number / 16) * 16 for number in range(1, count)]  # as Tiled has them
    places = np.arange(side) + 0.5
    near = np.zeros(side, bool)
    for border in borders:
        near |= np.abs(places - border) < NEAR
    return near


def activations_apart(network: VGG19, tiled: Tiled, image: Tensor, names: Iterable[str]) -> dict[str, float]:
    """The largest difference of each layer's activations, over their root mean square."""
    asked = tuple(names)
    with torch.no_grad():
        whole, pieces = network(image, asked), tiled(image, asked)
    return {n: float((whole[n] - pieces[n]).abs().max() / whole[n].square().mean().sqrt()) for n in asked}


def gradient(network: VGG19 | Tiled, settings: Settings, content: Pixels, image: Tensor) -> Tensor:
    """Of the objective at `image`, (1, 3, H, W)."""
    target = to_tensor(content, CPU)
    look = Look(settings, [Style(to_tensor(read_style(), CPU), 1, 1)], target)
    objective = Objective(network, look.terms(network, target, ()))
    leaf = image.clone().requires_grad_(True)
    (found,) = torch.autograd.grad(objective(leaf)[0], leaf)
    return found


def noisy(content: Pixels) -> Tensor:
    image = to_tensor(content, CPU)
    return image + 0.02 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tile", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    asked = parser.parse_args()
    settings = Settings(first_iterations=asked.steps, scales=(1.0,), weights="builtin", device="cpu")
    layers = layer_shares((*settings.content_layers, *settings.style_layers))
    built = weights.load("builtin", layers)
    network = VGG19(built.tensors, built.pooling)
    tiled, content = Tiled(network, asked.tile), read_content()
    image, near = noisy(content), near_borders(asked.tile)
    for name, most in sorted(activations_apart(network, tiled, image, layers).items()):
        print(f"{name}: {most:.1e}")
    slopes = [gradient(way, settings, content, image)[0].numpy() for way in (network, tiled)]
    apart = np.abs(slopes[0] - slopes[1]).mean(axis=0) / np.abs(slopes[0]).mean()
    print(f"gradient, within {NEAR} pixels of a border: {apart[near].mean():.1e}; elsewhere: {apart[~near].mean():.1e}")
    pair = [restyled(way, content, settings).astype(np.float64) for way in (network, tiled)]
    apart = np.abs(pair[0] - pair[1]).mean(axis=2)
    close, far = apart[near].mean(), apart[~near].mean()
    print(f"result, within {NEAR} pixels of a border: {close:.4f} levels; elsewhere: {far:.4f}")
    print(f"largest: {apart.max():.2f}; restyling itself: {np.abs(pair[0] - content).mean():.1f}")


if __name__ == "__main__":
    main()
