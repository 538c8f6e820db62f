"""VGG19 weights: imagenet, builtin or a file; found, checked and cached."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from platformdirs import user_cache_path
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from videostyle import interrupt
from videostyle.errors import WeightsError
from videostyle.style.features import builtin, vgg
from videostyle.style.features.layers import CONVOLUTIONS, depth

log = logging.getLogger(__name__)

REACHABLE_SECONDS = 3.0  # until a server that does not answer counts as out of reach
STALLED_SECONDS = 30.0  # without a byte, after which a download is given up
_PIECE = 1 << 20  # bytes
Pooling = vgg.Pooling


@dataclass(frozen=True, eq=False)
class Weights:
    """VGG19 weights and what they are.

    Args:
        tensors: torchvision's names, `features.0.weight` ...; float32.
        identity: For people and for a film's metadata: `builtin-1`, `imagenet-dcbb9e9d`, a file's name.
        pooling: What suits them.

    """

    tensors: Mapping[str, Tensor]
    identity: str
    pooling: Pooling


class Download(NamedTuple):
    """Where ImageNet weights come from; the file's name ends with the start of its SHA-256."""

    url: str

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def checksum(self) -> str:
        return self.name.rpartition("-")[2].partition(".")[0]


def load(source: str, layers: Iterable[str]) -> Weights:
    """The weights that `--weights` names, deep enough for `layers`.

    Args:
        source: auto, imagenet, builtin, or a path to a .pth or .safetensors file.
        layers: The deepest of these must be there.

    Raises:
        WeightsError: They cannot be had, are damaged, or are not a VGG19's.

    """
    needed = max(depth(name) for name in layers)
    if source == "builtin":
        return _builtin()
    if source == "imagenet":
        return _imagenet(imagenet_download(), needed)
    if source == "auto":
        return _automatic(needed)
    path = Path(source)
    return Weights(read_file(path, needed), path.name, "max")


def imagenet_download() -> Download:
    """Torchvision's VGG19_Weights.IMAGENET1K_V1; asking torchvision takes a second."""
    return Download("https://download.pytorch.org/models/vgg19-dcbb9e9d.pth")


def _automatic(needed: int) -> Weights:
    """ImageNet's if they are cached or within reach, else the built-in ones, with a word on why."""
    download = imagenet_download()
    reason = None if _cached(download) else unreachable(download.url)
    if reason is None:
        try:
            return _imagenet(download, needed)
        except WeightsError as error:
            reason = str(error)
    log.log(
        logging.WARNING if _first_time("builtin") else logging.DEBUG,
        "styling with the built-in VGG19 weights, since trained ones are not here (%s); for trained ones, "
        "download %s and say --weights FILE",
        reason,
        download.url,
    )
    return _builtin()


def _first_time(notice: str) -> bool:
    """Whether a notice was never given on this machine; from now on it was."""
    marker = user_cache_path("videostyle") / f"noticed-{notice}"
    if marker.exists():
        return False
    with suppress(OSError):
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    return True


# --- built in


def _builtin() -> Weights:
    """From the cache of this version of the rule, or computed now and cached where that is possible."""
    identity = f"builtin-{builtin.VERSION}"
    cached = user_cache_path("videostyle") / f"{identity}.safetensors"
    try:
        tensors = read_file(cached, len(CONVOLUTIONS))
        if builtin.digest(tensors) == builtin.DIGEST:
            return Weights(tensors, identity, "average")
        log.warning("the cached built-in weights were changed; they are made anew")
    except WeightsError:
        pass
    tensors = builtin.state_dict()
    try:
        _save(tensors, cached)
    except OSError as error:
        log.info("the built-in weights cannot be cached: %s", error)
    return Weights(tensors, identity, "average")


# --- ImageNet


def _hub() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _slice(download: Download) -> Path:
    """The convolutions alone, 80 of the 548 MB, beside torch's own download."""
    return _hub() / f"{Path(download.name).stem}-convolutions.safetensors"


def _cached(download: Download) -> bool:
    return _slice(download).is_file() or (_hub() / download.name).is_file()


def _imagenet(download: Download, needed: int) -> Weights:
    identity = f"imagenet-{download.checksum}"
    kept = _slice(download)
    if kept.is_file():
        return Weights(read_file(kept, needed), identity, "max")
    original = _hub() / download.name
    ours = not original.is_file()
    if ours:
        _fetch(download, original)
    tensors = read_file(original, len(CONVOLUTIONS))
    _save(tensors, kept)
    if ours:
        original.unlink()
    return Weights(tensors, identity, "max")


def _fetch(download: Download, target: Path) -> None:
    """Download a file; one with another checksum is not kept. A request to stop is heeded between two pieces."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part, digest = _part(target), hashlib.sha256()
    log.info("downloading %s", download.url)
    try:
        with urllib.request.urlopen(download.url, timeout=STALLED_SECONDS) as response, part.open("wb") as file:
            for piece in iter(partial(response.read, _PIECE), b""):
                interrupt.check()
                digest.update(piece)
                file.write(piece)
        if not digest.hexdigest().startswith(download.checksum):
            raise ValueError(f"its SHA-256 is {digest.hexdigest()[:8]}…, not {download.checksum}…")
        os.replace(part, target)
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"cannot download {download.url}: {_one_line(error)}; try again, or say --weights builtin"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def unreachable(url: str, seconds: float = REACHABLE_SECONDS) -> str | None:
    """Why `url` does not answer within `seconds`; None if it does. A name server that hangs counts as well."""
    reason = [f"{url.split('/')[2]} did not answer within {seconds:g} s"]

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):
                reason.clear()
        except (urllib.error.URLError, OSError, ValueError) as error:
            reason[0] = f"{url.split('/')[2]}: {_one_line(error)}"

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return reason[0] if reason else None


# --- files


def read_file(path: Path, needed: int) -> dict[str, Tensor]:
    """The first `needed` convolutions or more of a .safetensors, .pth or .pt file, checked; no code in it is run.

    Raises:
        WeightsError: The file cannot be read, or has not the names, shapes and numbers of a VGG19.

    """
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}; say auto, imagenet, builtin or a file that exists")
    found = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    return _checked(found, path, needed)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys() if name in _EXPECTED}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is no sound safetensors file: {_one_line(error)}") from error


def _read_pickle(path: Path) -> dict[str, Tensor]:
    if path.suffix not in (".pth", ".pt"):
        raise WeightsError(f"{path} must end in .safetensors, .pth or .pt")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a file that is none of its own
        raise WeightsError(f"{path} is no sound torch weights file: {_one_line(error)}") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path} holds a {type(found).__name__}, not a state dict")
    return {name: value for name, value in found.items() if name in _EXPECTED}


def _expected() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    shapes = vgg.shapes()
    for name, index in vgg.torchvision_indices().items():
        found[f"features.{index}.weight"] = shapes[name]
        found[f"features.{index}.bias"] = shapes[name][:1]
    return found


_EXPECTED = _expected()


def _checked(found: Mapping[str, Tensor], path: Path, needed: int) -> dict[str, Tensor]:
    names = list(_EXPECTED)
    for name in names[: 2 * needed]:
        if name not in found:
            raise WeightsError(
                f"{path} has no {name}; torchvision's vgg19 names are expected, down to {names[2 * needed - 1]}"
            )
    for name, tensor in found.items():
        if not isinstance(tensor, Tensor) or tuple(tensor.shape) != _EXPECTED[name]:
            shape = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
            raise WeightsError(f"{path} is no VGG19: {name} is {shape}, not {_EXPECTED[name]}")
        if not bool(torch.isfinite(tensor).all()):
            raise WeightsError(f"{path} is damaged: {name} holds a number that is not finite")
    return {name: tensor.float().contiguous() for name, tensor in found.items()}


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write a safetensors file that is there completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    try:
        save_file(dict(tensors), part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")


def _one_line(error: BaseException) -> str:
    return " ".join(str(getattr(error, "reason", error)).split())[:200]
