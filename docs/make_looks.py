"""Make the pictures of docs/looks.md from the samples: strips of one frame, each cell with another setting.

python docs/make_looks.py [--all] [NAME ...]

Strips that are there are left alone unless they are named or --all is given.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from videostyle import PRESETS, Settings, stylize_image
from videostyle.frames import Span
from videostyle.media import reader
from videostyle.media.image import still
from videostyle.media.probe import probe
from videostyle.plan.planner import make_plan
from videostyle.plan.request import Request
from videostyle.render.run import run
from videostyle.settings import INITS

FOLDER = Path(__file__).parent / "looks"
SAMPLES = Path(__file__).parents[1] / "samples"
FRAME, SIZE = 12, 160  # of the sample clip; longest side
GAP, LABEL, QUALITY = 4, 16, 90  # pixels between cells and below them; of the JPEG
BASE = Settings(size=SIZE, weights="builtin", device="cpu")
GATYS = PRESETS["gatys"].override(size=SIZE, max_size=None, weights="builtin", device="cpu", log_every=0)


@dataclass(frozen=True)
class Picture:
    """One cell of a strip.

    Args:
        label: What stands below it.
        settings: How the frame is styled; None shows `files` as they are, which is one.
        files: The styles, by the names of the pictures in the workshop.

    """

    label: str
    settings: Settings | None = None
    files: tuple[str, ...] = ("night",)


def plain(label: str, file: str) -> Picture:
    """A picture of the workshop as it is."""
    return Picture(label, None, (file,))


def made(label: str, *files: str, **changes: Any) -> Picture:
    """The frame in styles, with the standard settings but for `changes`."""
    return Picture(label, BASE.override(**changes), files or ("night",))


def varied(setting: str, values: tuple[Any, ...], *files: str, **others: Any) -> tuple[Picture, ...]:
    """A cell for each value of a setting."""
    return tuple(made(str(value), *files, **{setting: value}, **others) for value in values)


FINE, COARSE = ("relu1_1", "relu2_1"), ("relu4_1", "relu5_1")
FALLING = ("relu1_1:16", "relu2_1:8", "relu3_1:4", "relu4_1:2", "relu5_1:1")
RISING = ("relu1_1:1", "relu2_1:2", "relu3_1:4", "relu4_1:8", "relu5_1:16")

SOFT, HARD = ("sky_soft", "hill_soft"), ("sky_hard", "hill_hard")

STRIPS: dict[str, tuple[Picture, ...]] = {
    "materials": (
        plain("content", "content"),
        plain("night", "night"),
        plain("mosaic", "mosaic"),
        plain("embers", "embers"),
    ),
    "styles": (made("night"), made("mosaic", "mosaic"), made("embers", "embers")),
    "style-weight": varied("style_weight", (1, 6, 24, 96, 384)),
    "content-weight": varied("content_weight", (0, 0.25, 1, 4)),
    "style-scale": varied("style_scale", (0.5, 1, 2, 4), "mosaic"),
    "style-loss": varied("style_loss", ("centred", "gram", "wasserstein", "sliced"), "mosaic"),
    "style-layers": (
        made("all five", "mosaic"),
        made("relu1_1, relu2_1", "mosaic", style_layers=FINE),
        made("relu4_1, relu5_1", "mosaic", style_layers=COARSE),
        made("weights 16 8 4 2 1", "mosaic", style_layers=FALLING),
        made("weights 1 2 4 8 16", "mosaic", style_layers=RISING),
    ),
    "content-layers": tuple(
        made(name, content_layers=(name,)) for name in ("relu2_2", "relu3_2", "relu4_2", "relu5_2")
    ),
    "pooling": varied("pooling", ("average", "max", "l2")),
    "tv-weight": varied("tv_weight", (0, 0.2, 2, 10)),
    "color": varied("color", ("style", "content", "match"), "embers"),
    "style-mix": (
        made("night alone"),
        made("3, 1", "night", "mosaic", style_mix=(3, 1)),
        made("1, 1", "night", "mosaic"),
        made("1, 3", "night", "mosaic", style_mix=(1, 3)),
        made("mosaic alone", "mosaic"),
    ),
    "content-masks": (
        plain("mask of embers", "hill_soft"),
        made("soft edge", "night", "embers", content_masks=SOFT),
        made("hard edge", "night", "embers", content_masks=HARD),
        made("soft, two finest layers", "night", "embers", content_masks=SOFT, style_layers=FINE),
    ),
    "style-masks": (
        made("all of embers", "embers"),
        plain("mask", "upper"),
        made("its upper half", "embers", style_masks=("upper",)),
        plain("mask", "lower"),
        made("its lower half", "embers", style_masks=("lower",)),
    ),
    "attention": (plain("map", "attention"), *varied("attention", (-1, 0, 0.5, 1))),
    "match-weight": (
        *varied("match_weight", (0, 2, 8), "mosaic"),
        made("2, style weight 0", "mosaic", match_weight=2, style_weight=0),
    ),
    "init": (
        *varied("init", ("content", "noise", "style")),
        made("embers.jpg", init="embers"),
        made("noise, relu2_2 at 4", init="noise", content_layers=("relu2_2",), content_weight=4),
    ),
    "levels": (
        made("1"),
        made("0.5, 1", scales=(0.5, 1)),
        made("0.25, 0.5, 1", scales=(0.25, 0.5, 1)),
    ),
    "style-decay": varied("style_decay", (0, 0.5, 1)),
    "averaging": (
        made("lbfgs, 0"),
        made("lbfgs, 0.9", ema_decay=0.9),
        made("adam, 0", optimizer="adam"),
        made("adam, 0.95", optimizer="adam", ema_decay=0.95),
    ),
    "optimizer": (
        made("lbfgs, 40", first_iterations=40),
        made("lbfgs, 80"),
        made("adam, 80", optimizer="adam"),
        made("adam, 200", optimizer="adam", first_iterations=200),
    ),
    "iterations": varied("first_iterations", (10, 40, 80, 200)),
    "seed": varied("seed", (0, 1, 2)),
    "presets": (
        made("draft", first_iterations=32),
        made("standard"),
        made("quality", first_iterations=200),
        Picture("gatys, 1e6", GATYS.override(style_weight=1e6)),
        Picture("gatys", GATYS),
        Picture("gatys, 1e8", GATYS.override(style_weight=1e8)),
    ),
}


# --- the workshop: a folder of what the strips are made from


def fill(workshop: Path) -> None:
    """Put the frame, the styles, the masks and the attention map into a folder."""
    clip = probe(SAMPLES / "clip.mp4")
    (frame,) = reader.read_frames(clip, (clip.width, clip.height), Span(FRAME, FRAME + 1))
    still.write_still(workshop / "content.png", frame.pixels, "")
    for style in SAMPLES.glob("*.jpg"):
        still.write_still(workshop / f"{style.stem}.png", still.read_still(style), "")
    for name, mask in masks(clip.width, clip.height):
        Image.fromarray((mask * 255).round().astype(np.uint8)).save(workshop / f"{name}.png")
    write_map(workshop)


def masks(width: int, height: int) -> Iterator[tuple[str, np.ndarray]]:
    """Masks by name: sky and hills with a soft and a hard edge, and the halves of a style."""
    down = np.tile((np.arange(height) / height)[:, None], (1, width))
    for edge, depth in (("soft", 0.3), ("hard", 0.001)):
        hills = np.clip((down - 0.55) / depth + 0.5, 0, 1)
        yield f"hill_{edge}", hills
        yield f"sky_{edge}", 1 - hills
    half = np.tile((np.arange(512) >= 282)[:, None], (1, 512)).astype(float)  # where the fire of embers ends
    yield "lower", half
    yield "upper", 1 - half


def write_map(workshop: Path) -> None:
    """The attention map of the frame, as --attention-map writes it."""
    files = workshop / "content.png", (workshop / "night.png",), workshop / "unused.png"
    request = Request(
        content=files[0],
        styles=files[1],
        output=files[2],
        settings=BASE.override(first_iterations=1),
        attention_map=workshop / "attention.png",
    )
    run(make_plan(request))


def in_workshop(settings: Settings, workshop: Path) -> Settings:
    """The settings with the names of pictures as paths."""
    found = {
        name: tuple(str(workshop / f"{mask}.png") for mask in getattr(settings, name))
        for name in ("content_masks", "style_masks")
    }
    init = settings.init if settings.init in INITS else str(workshop / f"{settings.init}.png")
    return settings.override(**found, init=init)


@cache
def pixels(settings: Settings | None, files: tuple[str, ...], workshop: Path) -> Image.Image:
    """A picture without its label; one that several strips show is made once."""
    styles = [workshop / f"{name}.png" for name in files]
    if settings is None:
        return scaled(Image.open(styles[0]).convert("RGB"))
    output = workshop / "result.png"
    content = workshop / "content.png"
    stylize_image(content, styles, output, in_workshop(settings, workshop), overwrite=True)
    return Image.open(output).convert("RGB")


def scaled(image: Image.Image) -> Image.Image:
    """A picture at the height of the frame."""
    height = SIZE * 9 // 16
    small = image.resize((round(image.width * height / image.height) - 2, height - 2), Image.Resampling.LANCZOS)
    return ImageOps.expand(small, 1, "gray")  # else a white mask would have no edge


# --- the strips


def strip(cells: list[tuple[str, Image.Image]]) -> Image.Image:
    """Pictures side by side on white, each with its label below."""
    font = ImageFont.load_default(11)
    width = sum(image.width for _, image in cells) + GAP * (len(cells) - 1)
    sheet = Image.new("RGB", (width, cells[0][1].height + LABEL), "white")
    draw, left = ImageDraw.Draw(sheet), 0
    for label, image in cells:
        sheet.paste(image, (left, 0))
        draw.text((left + image.width / 2, image.height + 1), label, fill="black", font=font, anchor="ma")
        left += image.width + GAP
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of strips: {', '.join(STRIPS)}")
    parser.add_argument("--all", action="store_true", help="also those that are there")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(STRIPS):
        parser.error(f"there is no strip {', '.join(sorted(unknown))}")
    wanted = [n for n in asked.names or STRIPS if asked.names or asked.all or not (FOLDER / f"{n}.jpg").exists()]
    if not wanted:
        return
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        workshop = Path(folder)
        fill(workshop)
        for name in wanted:
            cells = [(cell.label, pixels(cell.settings, cell.files, workshop)) for cell in STRIPS[name]]
            strip(cells).save(FOLDER / f"{name}.jpg", quality=QUALITY, subsampling=0)
            print(FOLDER / f"{name}.jpg")


if __name__ == "__main__":
    main()
