"""One step of the optimizer: how many operations it is, how long it takes, and how much memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from videostyle.measure.speed.isolated import peak_memory
from videostyle.measure.speed.roofline import synchronize
from videostyle.settings import Settings
from videostyle.style.cuda_graph import GraphCache, recorder
from videostyle.style.device import choose_device, choose_precision, prepare
from videostyle.style.features.layers import layer_shares
from videostyle.style.features.vgg import VGG19, shapes, torchvision_indices
from videostyle.style.features.weights import load
from videostyle.style.objective.look import Look, Style
from videostyle.style.objective.terms import Objective, TemporalTerm
from videostyle.style.optimize.iterate import Iterate
from videostyle.style.optimize.lbfgs import HISTORY, WARM_PRIOR
from videostyle.style.optimize.minimize import minimize

WEIGHTS = "builtin"  # of every measurement: no download, and the same on every machine
BLANK = torch.device("meta")
CHUNKS = 5  # stretches of steps that are timed; their median counts


@dataclass(frozen=True)
class Case:
    """What is measured.

    Args:
        width, height: Of the frame.
        device: As `--device` names it.
        optimizer: lbfgs or adam.
        precision: fp32, fp16 or bf16.
        autotune: cuDNN chooses its kernels by trying them.

    """

    width: int
    height: int
    device: str = "cpu"
    optimizer: str = "lbfgs"
    precision: str = "fp32"
    autotune: bool = False

    @property
    def settings(self) -> Settings:
        return Settings().override(
            size=max(self.width, self.height),
            optimizer=self.optimizer,
            precision=self.precision,
            device=self.device,
            weights=WEIGHTS,
        )


@dataclass(frozen=True)
class Step:
    """What was found.

    Args:
        seconds: Of one step.
        operations: Of one step, in convolutions and matrix products.
        memory: Peak bytes: of the device's own memory if it is a GPU, else of the process.

    """

    seconds: float
    operations: int
    memory: int


def measure_step(case: Case, *, chunk: int, warm: int) -> Step:
    """Take steps as for a frame that follows another: `warm` of them, then `CHUNKS` times `chunk` that are timed."""
    device = choose_device(case.device)
    prepare(device, autotune=case.autotune)
    names = layer_shares((*case.settings.content_layers, *case.settings.style_layers))
    built = load(WEIGHTS, names)
    network = VGG19(built.tensors, built.pooling, device, dtype=choose_precision(case.precision, device))
    image, objective = standard_objective(case, network, device)
    times: list[float] = []
    taken = 0

    def on_step(walk: Iterate) -> None:
        nonlocal taken
        taken += 1
        if taken >= warm and (taken - warm) % chunk == 0:
            synchronize(device)
            times.append(time.perf_counter())

    minimize(
        Iterate(image),
        objective,
        iterations=warm + CHUNKS * chunk,
        optimizer=case.optimizer,
        hessian_diagonal=objective.hessian_diagonal,
        prior=WARM_PRIOR,
        on_step=on_step,
        steps=GraphCache(recorder(device)).stepper(objective),
    )
    spans = [(end - begin) / chunk for begin, end in pairwise(times)]
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_memory()
    return Step(statistics.median(spans), count_operations(case), memory)


def measure_steps(cases: Iterable[Case], *, chunk: int, warm: int) -> list[Step | None]:
    """Several cases on a GPU, in one process; None where its memory does not suffice."""
    found: list[Step | None] = []
    for case in cases:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        try:
            found.append(measure_step(case, chunk=chunk, warm=warm))
        except torch.OutOfMemoryError:
            found.append(None)
    return found


def standard_objective(case: Case, network: VGG19, device: torch.device) -> tuple[Tensor, Objective]:
    """A start and all terms of a frame that follows another, over noise: time does not depend on what is seen."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, 3, case.height, case.width)
    content, style, image = (torch.rand(shape, generator=generator).to(device) for _ in range(3))
    look = Look(case.settings, [Style(style, 1.0, 1.0)], content)
    mask = torch.ones(1, 1, case.height, case.width, device=device)
    temporal = TemporalTerm(warped=image, mask=mask, weight=case.settings.temporal_weight)
    return image, Objective(network, [*look.terms(network, content, ()), temporal])


def count_operations(case: Case) -> int:
    """Floating-point operations of one step, in convolutions and matrix products, counted on tensors without values.

    A multiplication and an addition are two. What works pixel by pixel, and L-BFGS' own vectors, are not counted.
    """
    image, objective = standard_objective(case, blank_network(), BLANK)
    with FlopCounterMode(display=False) as counter:
        minimize(Iterate(image), objective, iterations=1, optimizer="adam")
    return int(counter.get_total_flops())


def blank_network() -> VGG19:
    """A network whose tensors have shapes and no values: whatever asks for a value fails."""
    weights = {}
    for (_, shape), index in zip(shapes().items(), torchvision_indices().values(), strict=True):
        weights[f"features.{index}.weight"] = torch.empty(shape)
        weights[f"features.{index}.bias"] = torch.empty(shape[0])
    return VGG19(weights, "average", BLANK)


def warm_steps(device: str) -> int:
    """Steps until a step is as long as all that follow; on a CPU, L-BFGS' history weighs nothing beside the network."""
    return HISTORY + 2 if device == "cuda" else 2
