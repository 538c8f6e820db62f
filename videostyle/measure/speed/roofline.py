"""What a device can do at its best: the rates that nothing here can beat."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from videostyle.style import onednn
from videostyle.style.device import choose_device, choose_precision, prepare

WIDTHS = {"cpu": 2048, "cuda": 8192}  # of the matrices that are multiplied
COPIED = {"cpu": 256 << 20, "cuda": 4 << 30}  # bytes
PRECISIONS = {"cpu": ("fp32",), "cuda": ("fp32", "fp16", "bf16")}  # of a CPU, half ones are no way to be faster
USUAL = {"cpu": "fp32", "cuda": "fp16"}  # what `--precision auto` takes


@dataclass(frozen=True)
class Roofline:
    """What was measured.

    Args:
        device: cpu or cuda.
        name: The product's.
        threads: That torch computes with on the CPU.
        gemm: Floating-point operations a second of a large matrix product, by precision, by whatever library is the
            fastest here; a multiplication and an addition are two.
        copy: Bytes a second, read and written.

    """

    device: str
    name: str
    threads: int
    gemm: dict[str, float]
    copy: float


def measure_roofline(device_name: str, *, seconds: float, width: int | None = None) -> Roofline:
    """The ceilings of a device, each from about `seconds` of work on random numbers."""
    device = choose_device(device_name)
    prepare(device)
    kind, side = device.type, width or WIDTHS[device.type]
    gemm = {name: _gemm_rate(device, choose_precision(name, device), side, seconds) for name in PRECISIONS[kind]}
    return Roofline(kind, device_name_of(device), torch.get_num_threads(), gemm, _copy_rate(device, seconds))


def higher(one: Roofline, other: Roofline) -> Roofline:
    """The best of two measurements of one device."""
    gemm = {name: max(rate, other.gemm[name]) for name, rate in one.gemm.items()}
    return replace(one, gemm=gemm, copy=max(one.copy, other.copy))


def drift(one: Roofline, other: Roofline) -> float:
    """How far apart two measurements of one device are, over the higher: what a quiet machine keeps near 0."""
    pairs = [(rate, other.gemm[name]) for name, rate in one.gemm.items()]
    return max(1 - min(pair) / max(pair) for pair in pairs)


def device_name_of(device: torch.device) -> str:
    """The product's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _gemm_rate(device: torch.device, dtype: torch.dtype, side: int, seconds: float) -> float:
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    ways: list[Callable[[], object]] = [lambda: torch.mm(a, b, out=out)]
    if onednn.supports(a):
        ways.append(lambda: onednn.matmul_t(a, b))
    return 2 * side**3 / min(seconds_each(way, device, seconds / len(ways)) for way in ways)


def _copy_rate(device: torch.device, seconds: float) -> float:
    source = torch.rand(COPIED[device.type] // 4, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED[device.type] / seconds_each(lambda: target.copy_(source), device, seconds)


def seconds_each(work: Callable[[], object], device: torch.device, seconds: float, rounds: int = 5) -> float:
    """Seconds that `work` takes at best, in `rounds` rounds of calls that together last about `seconds`."""
    work()
    once = _elapsed(work, device, 1)
    calls = max(1, round(seconds / rounds / max(once, 1e-6)))
    return min(_elapsed(work, device, calls) / calls for _ in range(rounds))


def _elapsed(work: Callable[[], object], device: torch.device, calls: int) -> float:
    synchronize(device)
    began = time.perf_counter()
    for _ in range(calls):
        work()
    synchronize(device)
    return time.perf_counter() - began


def synchronize(device: torch.device) -> None:
    """Wait for all that the device has been given to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
