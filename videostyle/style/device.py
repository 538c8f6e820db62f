"""Where tensors live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from videostyle.errors import SettingError

_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The device that `--device` names; auto is the first GPU if there is one, NVIDIA's or Apple's.

    Raises:
        SettingError: There is no such device on this machine.

    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingError("device", name, "auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda", "mps"):
        raise SettingError("device", name, "auto, cpu, cuda, cuda:N or mps")
    if device.type == "mps" and not _has_mps():
        raise SettingError("device", name, "cpu or cuda: this machine has no Apple GPU that torch can use")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SettingError("device", name, f"one of the {torch.cuda.device_count()} CUDA devices here, or cpu")
    return device


def _has_mps() -> bool:
    """Whether there is an Apple GPU that torch can use."""
    return torch.backends.mps.is_available()


def choose_devices(names: str) -> list[torch.device]:
    """The devices that `--device` names, separated by commas.

    Raises:
        SettingError: One of them is not on this machine.

    """
    return [choose_device(name) for name in names.split(",")]


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """What VGG19 computes in; auto is half precision on an NVIDIA GPU and float32 elsewhere.

    A CPU is slow at anything less, and Apple's GPU has not been measured.
    """
    if name == "auto":
        name = "fp16" if device.type == "cuda" else "fp32"
    return _PRECISIONS[name]


def prepare(device: torch.device, *, autotune: bool = False) -> None:
    """Set how a GPU computes, once, before the first network runs.

    float32 convolutions are that, and not TF32 as torch has it by default: the first one is in float32 because 10
    bits of a smooth picture are steps, and TF32 has 10. cuDNN's autotuning is off unless asked for: it takes the
    kernel that happens to be fastest, and the next run may take another one, with other bits.
    """
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = autotune
        torch.backends.cudnn.deterministic = True


def decomposable(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """The matrix in `dtype`, on the CPU where torch cannot decompose it: Apple's GPU has no float64 or eigenvalues."""
    return matrix.to("cpu" if matrix.device.type == "mps" else matrix.device, dtype)


@contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """Queue what this thread asks of a GPU on a stream of its own: it does not wait for what other threads ask."""
    if device.type != "cuda":
        yield
        return
    stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.default_stream(device))
    with torch.cuda.device(device), torch.cuda.stream(stream):
        yield
