"""Every setting once: default, meaning, group, limits, and what it affects.

Flags, TOML keys, the sections of `--help`, docs/options.md, a job's identity and what `--into` compares derive from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from videostyle.errors import SettingError

Optimizer = Literal["lbfgs", "adam"]
Flow = Literal["dis-ultrafast", "dis-fast", "dis-medium", "dis-fine", "farneback", "none"]
Gaps = Literal["refuse", "hold", "skip"]  # what becomes of missing numbers among numbered pictures
Codec = Literal["auto", "h264", "hevc", "av1", "vp9", "prores", "prores4444", "ffv1"]
Delivery = Literal["none", "web", "master", "edit"]
Mask = Literal["evidence", "geometry", "boundary"]
StyleLoss = Literal["centred", "gram", "wasserstein", "sliced"]
Normalization = Literal["energy", "none"]
PoolingChoice = Literal["auto", "average", "max", "l2"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Color = Literal["style", "content", "match"]


GROUPS = ("Balance", "Style", "Placement", "Steps", "Motion", "Machine", "Output")
Affects = Literal["look", "result", "file", "engine", "place", "log"]


def setting(
    default: Any,
    help: str,
    *,
    group: str,
    affects: Affects = "result",
    low: float = -math.inf,
    high: float = math.inf,
) -> Any:
    """Declare a setting.

    Args:
        default: Its value unless it is given.
        help: One sentence for `--help`, the options page and the studio.
        group: The section it stands in; one of `GROUPS`.
        affects: `look`: which style it is, so that frames made with another value do not go together; `result`: how
            strong, steady or good the same style is; `file`: how it is encoded; `engine`: the loaded network's own
            facts tell better; `place` and `log`: nothing of the result.
        low: Least number, or least of several numbers; of names, how many there are at least.
        high: Greatest number.

    """
    metadata = {"help": help, "group": group, "affects": affects, "low": low, "high": high}
    return field(default=default, metadata=metadata)


def _check(name: str, value: Any, hint: Any, limits: Mapping[str, Any]) -> Any:
    """`value` in its declared type; lists become tuples and whole numbers floats."""
    if type(None) in get_args(hint):
        return None if value is None else _check(name, value, get_args(hint)[0], limits)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise SettingError(name, value, f"one of {', '.join(get_args(hint))}")
        return value
    if hint == tuple[str, ...]:
        if (
            not isinstance(value, (list, tuple))
            or not all(isinstance(v, str) for v in value)
            or len(value) < limits["low"]
        ):
            raise SettingError(name, value, "a list of names")
        return tuple(value)
    if hint == tuple[float, ...]:
        values = value if isinstance(value, (list, tuple)) else (value,)
        if not values:
            raise SettingError(name, value, "one number or more")
        return tuple(_check_number(name, v, float, limits) for v in values)
    if hint in (bool, str):
        if type(value) is not hint:
            raise SettingError(name, value, "true or false" if hint is bool else "text")
        return value
    return _check_number(name, value, float if hint is float else int, limits)


def _check_number(name: str, value: Any, kind: type, limits: Mapping[str, Any]) -> Any:
    kinds = (int, float) if kind is float else (int,)
    if type(value) not in kinds or not limits["low"] <= value <= limits["high"]:  # NaN fails as well
        words = "a number" if kind is float else "a whole number"
        raise SettingError(name, value, f"{words} from {limits['low']:g} to {limits['high']:g}")
    return kind(value)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a picture or clip is restyled. Immutable; vary it with `override`.

    Weights and sizes are free of resolution: the same numbers give the same look at 256 and at 1080 pixels.

    Raises:
        SettingError: A value has the wrong type or lies outside its limits.

    """

    strength: float = setting(
        1.0,
        "How much of the style: 0 leaves the content as it is, 1 is all of it, with even steps between.",
        low=0,
        high=1,
        group="Balance",
    )
    style_weight: float = setting(30.0, "Pull towards the style.", low=0, high=1e9, group="Balance")
    content_weight: float = setting(1.0, "Pull towards the content.", low=0, high=1e9, group="Balance")
    tv_weight: float = setting(0.02, "Smoothness: pull against total variation.", low=0, high=1e9, group="Balance")
    temporal_weight: float = setting(
        300.0, "Steadiness: pull towards the previous frame, moved along.", low=0, high=1e9, group="Balance"
    )
    style_decay: float = setting(
        0.0,
        "Share of the style weight that is gone by a frame's last step, falling in a line.",
        low=0,
        high=1,
        group="Balance",
    )
    style_scale: tuple[float, ...] = setting(
        (1.0,),
        "Longest side of the style picture over the frame's: larger is coarser. One for all styles, or one each.",
        low=0.05,
        high=8,
        group="Style",
        affects="look",
    )
    style_mix: tuple[float, ...] = setting(
        (1.0,),
        "How much each style counts beside the others. One for all, or one each.",
        low=0,
        high=1e6,
        group="Style",
        affects="look",
    )
    style_loss: StyleLoss = setting(
        "centred",
        "What a style is: mean and centred Gram matrix, plain Gram matrix, or a distribution (the others).",
        group="Style",
        affects="look",
    )
    style_layers: tuple[str, ...] = setting(
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
        "VGG19 activations that hold the style, as name or name:weight.",
        low=1,
        group="Style",
        affects="look",
    )
    content_layers: tuple[str, ...] = setting(
        ("relu4_2", "relu3_2:0.5"),
        "VGG19 activations that hold the content, as name or name:weight.",
        low=1,
        group="Style",
        affects="look",
    )
    normalization: Normalization = setting(
        "energy",
        "Losses relative to their targets' energy, or none: sums as Gatys et al. 2016 print them.",
        group="Style",
        affects="look",
    )
    pooling: PoolingChoice = setting(
        "auto", "Of VGG19; auto: average for the built-in weights, max for trained ones.", group="Style", affects="look"
    )
    color: Color = setting(
        "style",
        "Colors: the style's, the content's own, or a style matched to the content's palette once per shot.",
        group="Style",
        affects="look",
    )
    content_masks: tuple[str, ...] = setting(
        (),
        "Pictures or videos, one for each style: the style goes where its mask is white.",
        group="Placement",
        affects="look",
    )
    style_masks: tuple[str, ...] = setting(
        (), "Pictures, one for each style: the white part of it counts.", group="Placement", affects="look"
    )
    bars: Literal["keep", "style"] = setting(
        "keep", "Black bars of a shot: left as they are, or styled with the picture.", group="Placement", affects="look"
    )
    attention: float = setting(
        0.0,
        "Style what stands out more (above 0) or protect it (below 0); 0 styles evenly.",
        low=-1,
        high=1,
        group="Placement",
        affects="look",
    )
    match_weight: float = setting(
        0.0,
        "Pull of each place towards the style places that resemble it (attention-matched).",
        low=0,
        high=1e9,
        group="Placement",
        affects="look",
    )
    size: int | None = setting(
        None,
        "Longest side of the result in pixels. Default: the source's, on a CPU at most 384.",
        low=16,
        high=16384,
        group="Steps",
    )
    max_size: int | None = setting(
        None, "Longest side of the result at most, in pixels; a smaller one stays.", low=16, high=16384, group="Steps"
    )
    iterations: int = setting(
        12, "Steps for a frame that starts from the previous one.", low=0, high=100_000, group="Steps"
    )
    first_iterations: int = setting(
        80,
        "Steps at each size of a frame that starts from nothing: the first one, and after a cut.",
        low=0,
        high=100_000,
        group="Steps",
    )
    init: str = setting(
        "content", "What a fresh frame starts from: content, noise, style (its colors), or a picture.", group="Steps"
    )
    scales: tuple[float, ...] | None = setting(
        None,
        "Sizes a fresh frame goes through, coarse to fine, as shares of its own. Default: halved down to 96 pixels.",
        low=0.01,
        high=1,
        group="Steps",
    )
    optimizer: Optimizer = setting("lbfgs", "How the loss is minimized.", group="Steps")
    ema_decay: float = setting(
        0.0,
        "Decay of a moving average over the steps that becomes the result: less noise; 0 is none.",
        low=0,
        high=0.999,
        group="Steps",
    )
    passes: int = setting(
        1,
        "Times that a stretch of frames is gone over, forward and backward in turn: steadier, and as often the work.",
        low=1,
        high=99,
        group="Steps",
    )
    tolerance: float = setting(
        0.0,
        "End a size of a frame when 10 steps lower its loss by less than this; 0 takes every step.",
        low=0,
        high=1,
        group="Steps",
    )
    seed: int = setting(
        0,
        "Of the faint noise a fresh frame starts from: another seed, other strokes.",
        low=0,
        high=2**63 - 1,
        group="Steps",
    )
    log_every: int = setting(
        0,
        "Tell the losses of a fresh frame every so many steps; 0 is never.",
        low=0,
        high=100_000,
        group="Steps",
        affects="log",
    )
    flow: Flow = setting(
        "dis-fine",
        "Optical flow; dis-fine is DIS medium carried down to full resolution, none is for comparison.",
        group="Motion",
    )
    flow_mask: Mask = setting(
        "evidence",
        "Where flow is trusted: by geometry and color (evidence), geometry alone, or also off motion boundaries.",
        group="Motion",
    )
    independent: bool = setting(False, "Style every frame on its own, for comparison: it will flicker.", group="Motion")
    weights: str = setting(
        "auto",
        "VGG19 weights: auto, imagenet, builtin, or a .pth or .safetensors file.",
        group="Machine",
        affects="engine",
    )
    precision: Precision = setting(
        "auto", "Numbers VGG19 computes in; auto: fp16 on a GPU, fp32 on a CPU.", group="Machine"
    )
    device: str = setting(
        "auto", "auto, cpu, cuda, cuda:N, or several: cuda:0,cuda:1.", group="Machine", affects="place"
    )
    workers: int | None = setting(
        None,
        "How many shots are made at once; the result is the same. Default: one on each device.",
        low=1,
        high=64,
        group="Machine",
        affects="place",
    )
    codec: Codec = setting(
        "auto",
        "Of the video: h264, hevc, av1, vp9, prores (422 HQ), prores4444, ffv1; "
        "auto: h264, for more than 8 bit hevc, in .webm vp9.",
        group="Output",
        affects="file",
    )
    crf: int | None = setting(
        None,
        "Quality of the video, less is better and larger. Default: the codec's.",
        low=0,
        high=63,
        group="Output",
        affects="file",
    )
    pix_fmt: str = setting(
        "auto", "Pixel format of the video; auto: 8 or 10 bit, as the source has.", group="Output", affects="file"
    )
    delivery: Delivery = setting(
        "none",
        "Codec and quality by name: web (H.264), master (FFV1, .mkv), edit (ProRes 422 HQ, .mov).",
        group="Output",
        affects="file",
    )

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for f in fields(self):
            value = _check(f.name, getattr(self, f.name), hints[f.name], f.metadata)
            object.__setattr__(self, f.name, value)
        if self.scales and (self.scales[-1] != 1 or list(self.scales) != sorted(set(self.scales))):
            raise SettingError("scales", self.scales, "rising sizes that end with 1, for example 0.25, 0.5 and 1")

    def override(self, **changes: Any) -> Settings:
        """The same settings but for `changes`.

        Raises:
            SettingError: A value is not allowed, or there is no such setting.

        """
        for name in changes:
            if name not in NAMES:
                raise SettingError(name, changes[name], f"a setting's name: {', '.join(NAMES)}")
        return replace(self, **changes)

    def for_preview(self) -> Settings:
        """A fast draft of the same look: fewer steps. The quarter of the pixels is taken where the size is known."""
        return self.override(iterations=math.ceil(self.iterations * PREVIEW_STEPS))


INITS = ("content", "noise", "style")  # what a fresh frame may start from, beside a picture
NAMED_WEIGHTS = ("auto", "imagenet", "builtin")
NAMES = tuple(f.name for f in fields(Settings))
PREVIEW_STEPS = 0.6  # of the steps of a frame that follows
PREVIEW_SIDE = 0.5  # of each side


def named_files(name: str, value: Any) -> list[str]:
    """The files that a setting's value names, if any; of a result that names them otherwise, their descriptions."""
    if name in ("content_masks", "style_masks"):
        return list(value or ())
    own = {"init": INITS, "weights": NAMED_WEIGHTS}.get(name)
    return [] if own is None or value is None or value in own else [value]


def names_that_affect(*affects: Affects) -> tuple[str, ...]:
    """Names of the settings that affect one of these; see `setting`."""
    return tuple(f.name for f in fields(Settings) if f.metadata["affects"] in affects)
