"""What is refused by looking at settings, before torch is loaded, which takes seconds."""

from __future__ import annotations

import re
from pathlib import Path

from safetensors import SafetensorError, safe_open

from videostyle.errors import InputError, SettingError, WeightsError
from videostyle.media import masks
from videostyle.media.image import still
from videostyle.plan.request import Request
from videostyle.settings import INITS, NAMED_WEIGHTS, Settings
from videostyle.style.features.layers import MATCHED_FROM, layer_shares, stride

_DEVICES = r"auto|cpu|mps|cuda(:\d+)?(,cuda:\d+)*"


def check_settings(request: Request) -> None:
    """See that settings agree with each other and with the number of styles, and that the files they name are images.

    Raises:
        InputError: They do not, or are not.

    """
    settings = request.settings
    for name in ("content_layers", "style_layers"):
        try:
            layer_shares(getattr(settings, name))
        except ValueError as error:
            raise SettingError(name, ", ".join(getattr(settings, name)), f"VGG19 activations ({error})") from error
    if settings.normalization == "none" and settings.style_loss != "gram":
        raise SettingError("normalization", "none", "energy, or none with the style loss gram")
    _check_one_for_each_style(settings, len(request.styles))
    _check_effect(request, settings)
    for mask in settings.content_masks:
        masks.check_mask(Path(mask))
    for image in (*settings.style_masks, *([] if settings.init in INITS else [settings.init])):
        still.image_size(Path(image))
    for mask in settings.style_masks:
        if not masks.read_mask(Path(mask)).any():
            raise InputError(f"the style mask {mask} is black all over, so that nothing of its style counts")


def _check_effect(request: Request, settings: Settings) -> None:
    """See that no option is asked for that would do nothing beside the others.

    Raises:
        InputError: One would.

    """
    if settings.content_masks and len(set(settings.style_mix)) > 1:
        raise InputError("--style-mix mixes styles, and with --content-masks each has its own place; leave one out")
    if request.attention_map and not (settings.iterations or settings.first_iterations):
        raise InputError("--attention-map shows what guides the styling, and with no iterations nothing is styled")
    if request.into and request.preview:
        raise InputError("--into puts a range into a finished film, and --preview makes none; leave one out")
    if request.into and (settings.workers or 1) > 1:
        raise InputError("--workers is for whole films; --into makes its frames one after another")
    if request.crossfade < 0:
        raise InputError("--crossfade is a number of frames, 0 or more")
    if request.crossfade and not request.into:
        raise InputError("--crossfade is between a finished look and a new one; say --into as well, or leave it out")
    if settings.match_weight and not any(stride(name) >= MATCHED_FROM for name in layer_shares(settings.style_layers)):
        raise InputError("--match-weight matches things, which relu3_1 and deeper see; add one to --style-layers")


def _check_one_for_each_style(settings: Settings, styles: int) -> None:
    for name in ("style_scale", "style_mix"):
        if len(getattr(settings, name)) not in (1, styles):
            raise SettingError(name, getattr(settings, name), f"one number, or one for each of the {styles} styles")
    if not sum(settings.style_mix):
        raise SettingError("style_mix", settings.style_mix, "above 0 for one style at least")
    for name in ("content_masks", "style_masks"):
        if len(getattr(settings, name)) not in (0, styles):
            raise SettingError(name, getattr(settings, name), f"one file for each of the {styles} styles")


def check_engine(settings: Settings) -> None:
    """See that there can be such a device, and that the weights are a VGG19's as far as the file's header says.

    Raises:
        SettingError: There can be no such device.
        WeightsError: The file is not there, or holds something else.

    """
    if not re.fullmatch(_DEVICES, settings.device):
        raise SettingError("device", settings.device, "auto, cpu, cuda, cuda:N or several of these: cuda:0,cuda:1")
    if settings.weights not in NAMED_WEIGHTS:
        _check_weights(Path(settings.weights))


def _check_weights(path: Path) -> None:
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}; say auto, imagenet, builtin or a file that exists")
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise WeightsError(f"{path} must end in .safetensors, .pth or .pt")
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="np") as file:
                names = set(file.keys())
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{path} is no sound safetensors file: {' '.join(str(error).split())}") from error
        if "features.0.weight" not in names:
            raise WeightsError(f"{path} has no features.0.weight; torchvision's vgg19 names are expected")
