"""How far `--preset gatys` is from the article that it prints: its borders, and its optimizer.

    python benchmarks/recipe.py samples/embers.jpg samples/night.jpg --size 160 --steps 1000

The article's network sees black beyond the borders of a picture, ours the border once more; the article walks with
plain L-BFGS, ours knows beforehand that smooth changes are easier. Each row is a picture after so many steps, with its
losses as the article prints them; inside and border are its distance to the first row, in levels, more and less than
16 pixels from the border.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from videostyle.media.image import still
from videostyle.settings import Settings
from videostyle.sources import PRESETS
from videostyle.style.features import vgg
from videostyle.style.features.layers import layer_shares
from videostyle.style.features.weights import load
from videostyle.style.objective.look import Look, Style
from videostyle.style.objective.terms import Objective
from videostyle.style.optimize.iterate import Iterate
from videostyle.style.optimize.minimize import minimize
from videostyle.style.pixels import resize, scaled_size, to_tensor

BORDER = 16  # pixels
HISTORY = 100  # pairs of plain L-BFGS, as torch has it by default


def main() -> None:
    """Print a row for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("content", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--steps", type=int, default=1000)
    asked = parser.parse_args()
    settings = PRESETS["gatys"].override(weights="builtin", first_iterations=asked.steps)
    content = to_tensor(still.read_still(asked.content))
    content = resize(content, scaled_size(content, asked.size)).clamp(0, 1)
    style = Style(to_tensor(still.read_still(asked.style)), 1.0, 1.0)
    first: Tensor | None = None
    print("| way | content | style | inside | border |\n| --- | --- | --- | --- | --- |")
    for way in ("as it is", "black borders", "plain L-BFGS"):
        with black_borders() if way == "black borders" else as_it_is():
            aim = objective(settings, content, style)
            image = plain(aim, content, asked.steps) if way == "plain L-BFGS" else walked(aim, content, asked.steps)
            losses = aim(image)[1]
        first = image if first is None else first
        inside, border = distances(image, first)
        print(f"| {way} | {losses['content']:.4g} | {losses['style']:.4g} | {inside:.1f} | {border:.1f} |", flush=True)


def objective(settings: Settings, content: Tensor, style: Style) -> Objective:
    """The article's loss for a picture (1, 3, H, W)."""
    weights = load("builtin", layer_shares((*settings.content_layers, *settings.style_layers)))
    network = vgg.VGG19(weights.tensors, "average", torch.device("cpu"), native=weights.pooling)
    return Objective(network, Look(settings, [style], content).terms(network, content, ()))


def walked(aim: Objective, content: Tensor, steps: int) -> Tensor:
    """The picture after so many steps as `--preset gatys` takes them."""
    return minimize(Iterate(content), lambda image, _: aim(image), iterations=steps, check_end=True).image


def plain(aim: Objective, content: Tensor, steps: int) -> Tensor:
    """The picture after so many steps of torch's own L-BFGS, without a line search."""
    image = content.clone().requires_grad_(True)
    walker = torch.optim.LBFGS(
        [image], max_iter=steps, max_eval=steps, tolerance_grad=0, tolerance_change=0, history_size=HISTORY
    )

    def closure() -> Tensor:
        walker.zero_grad()
        loss = aim(image)[0]
        loss.backward()
        return loss

    walker.step(closure)
    return image.detach()


def distances(image: Tensor, first: Tensor) -> tuple[float, float]:
    """How far two pictures (1, 3, H, W) are apart, in levels, inside and at the border."""
    apart = (image.clamp(0, 1) - first.clamp(0, 1)).abs().mean(1)[0] * 255
    inside = torch.zeros_like(apart, dtype=torch.bool)
    inside[BORDER:-BORDER, BORDER:-BORDER] = True
    return float(apart[inside].mean()), float(apart[~inside].mean())


@contextmanager
def black_borders() -> Iterator[None]:
    """Have convolutions see nothing beyond the border, as the article's network does."""
    before = vgg._pad_replicate, vgg._fold_padding
    vgg._pad_replicate = lambda x: F.pad(x, (1, 1, 1, 1)).contiguous(memory_format=torch.channels_last)
    vgg._fold_padding = lambda gradient: gradient[..., 1:-1, 1:-1]
    try:
        yield
    finally:
        vgg._pad_replicate, vgg._fold_padding = before


@contextmanager
def as_it_is() -> Iterator[None]:
    """Change nothing."""
    yield


if __name__ == "__main__":
    main()
