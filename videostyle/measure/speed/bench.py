"""How fast videostyle is on this machine: measured ceilings, steps beside them, whole jobs, and starts."""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from videostyle.errors import InputError
from videostyle.measure.speed.isolated import run_isolated
from videostyle.measure.speed.job import Job, Performance, Start, measure_job, measure_start
from videostyle.measure.speed.roofline import PRECISIONS, USUAL, Roofline, drift, higher, measure_roofline
from videostyle.measure.speed.step import CHUNKS, Case, Step, count_operations, measure_step, measure_steps, warm_steps
from videostyle.plan.paths import check_new
from videostyle.settings import Settings
from videostyle.style.device import choose_device
from videostyle.style.optimize.schedule import fresh_work
from videostyle.style.tiling import is_out_of_memory

log = logging.getLogger(__name__)

SIZES = ((256, 144), (640, 360), (1280, 720), (1920, 1080))
OPTIMIZERS = ("lbfgs", "adam")
SMALLEST = 32  # pixels of a side: two places of the deepest activations
QUIET = 0.1  # drift of a machine that does nothing else
JOB_ROWS = 3  # times as long as the steps of a size may last, so may a job

NO_MEMORY = "there is not enough memory"

T = TypeVar("T")


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Args:
        sizes: (width, height) of frames that steps are measured at.
        job_sizes: And whole jobs.
        ceiling_seconds: Of each ceiling.
        row_seconds: A CPU leaves out what is foreseen to take longer.
        frames: Of a job.
        chunk: Steps in each of the stretches that are timed, on a GPU; on a CPU it is one.
        starts: Of each command.
        again: The ceilings are measured after everything else too, so that a drift shows.

    """

    sizes: tuple[tuple[int, int], ...]
    job_sizes: tuple[tuple[int, int], ...]
    ceiling_seconds: float
    row_seconds: float
    frames: int
    chunk: int
    starts: int = 6
    again: bool = True


QUICK = Effort(SIZES, ((96, 54),), 1.0, 8.0, 6, 5)
QUICK_GPU = replace(QUICK, sizes=((640, 360),), ceiling_seconds=0.25, starts=1, again=False)  # CUDA is slow to start
FULL = Effort(SIZES, SIZES, 3.0, 120.0, 24, 20)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be measured.

    Args:
        device: As `--device` names it.
        quick: Less than a minute, on two CPU cores or on a GPU.
        sizes: (width, height) instead of the usual ones.
        json: File to write.
        overwrite: It may be replaced.

    """

    device: str = Settings().device
    quick: bool = False
    sizes: tuple[tuple[int, int], ...] = ()
    json: Path | None = None
    overwrite: bool = False

    def effort_on(self, kind: str) -> Effort:
        """How much is measured on a device of this kind."""
        quick = QUICK if kind == "cpu" else QUICK_GPU
        effort = quick if self.quick else FULL
        if not self.sizes:
            return effort
        return replace(effort, sizes=self.sizes, job_sizes=self.sizes, row_seconds=math.inf)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A step at one size, or a whole job.

    Args:
        kind: step or job.
        width, height: Of the frame.
        optimizer, precision: Of the network and its gradient.
        autotune: cuDNN chose its kernels by trying them.
        seconds_per_iteration: Of one step at full size; of a job, all that is not waiting, holding or finishing.
        operations_per_iteration: Of one step, in convolutions and matrix products.
        share_of_gemm: Of the ceiling of this precision; a job's counts all its seconds.
        fps: Frames a second of the whole job; of a step, of frames that follow, were there nothing else to do.
        peak_memory_bytes: Of the device's own memory if it is a GPU, else of the process.
        frames: Of the job.
        first_frame_seconds: Of the job, until its first frame was made.
        following_fps: Of the job, after its first frame.
        stages: Seconds of the job by stage, see `render.stages`.
        overlap: The share of decode, flow and encode that was not waited for.

    """

    kind: str
    width: int
    height: int
    optimizer: str
    precision: str
    autotune: bool = False
    seconds_per_iteration: float
    operations_per_iteration: int
    share_of_gemm: float
    fps: float
    peak_memory_bytes: int
    frames: int | None = None
    first_frame_seconds: float | None = None
    following_fps: float | None = None
    stages: dict[str, float] | None = None
    overlap: float | None = None


@dataclass(frozen=True)
class LeftOut:
    """What was not measured, and why."""

    kind: str
    width: int
    height: int
    reason: str


@dataclass(frozen=True)
class Bench:
    """What was found.

    Args:
        date: UTC, when it was begun.
        load: Of the machine before that: processes that ran or wanted to, over its cores.
        ceilings: Of the device: the higher of those measured before everything else and after it.
        rows: Steps and jobs.
        left_out: What did not fit.
        drift: How far apart the two ceilings are, over the higher; see `roofline.drift`. None until the end, and if the
            ceilings were measured once.
        start: Of the command; None until the end.

    """

    date: str
    load: float | None
    ceilings: Roofline
    rows: tuple[Row, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    drift: float | None = None
    start: Start | None = None

    def with_row(self, row: Row | LeftOut) -> Bench:
        """Add what was found next."""
        if isinstance(row, LeftOut):
            return replace(self, left_out=(*self.left_out, row))
        return replace(self, rows=(*self.rows, row))


def bench(request: Request) -> Iterator[Bench]:
    """Measure everything, each in a process of its own; yield what is known after every row, and at last all of it.

    Raises:
        InputError: The request cannot be met as asked.

    """
    effort = _checked(request)
    date, load = datetime.now(UTC).isoformat(timespec="seconds"), _load()
    log.info("measuring the ceilings of the device")
    before = run_isolated(measure_roofline, request.device, seconds=effort.ceiling_seconds)
    found = Bench(date, load, before)
    for row in _rows(request, effort, before):
        found = found.with_row(row)
        yield found
    log.info("measuring starts")
    found = replace(found, start=measure_start(request.device, effort.starts))
    yield _with_ceilings_again(found, request.device, effort.ceiling_seconds) if effort.again else found


def _with_ceilings_again(found: Bench, device: str, seconds: float) -> Bench:
    """Measure the ceilings once more; the higher ones count."""
    log.info("measuring the ceilings once more")
    before, after = found.ceilings, run_isolated(measure_roofline, device, seconds=seconds)
    apart = drift(before, after)
    if apart > QUIET:
        log.warning(
            "the ceilings before and after are %.0f %% apart: other work ran, and these times are not worth keeping",
            100 * apart,
        )
    ceilings = higher(before, after)
    return replace(
        found, ceilings=ceilings, drift=apart, rows=tuple(_beside(row, before, ceilings) for row in found.rows)
    )


def _rows(request: Request, effort: Effort, ceilings: Roofline) -> Iterator[Row | LeftOut]:
    rates: list[float] = []
    for step in _steps(request, effort, ceilings):
        rates += [step.operations_per_iteration / step.seconds_per_iteration] if isinstance(step, Row) else []
        yield step
    yield from _jobs(request, effort, ceilings, rates[0] if rates else None)


def _beside(row: Row, before: Roofline, ceilings: Roofline) -> Row:
    """The row, whose share is of `before`, with its share of other ceilings."""
    lower = before.gemm[row.precision] / ceilings.gemm[row.precision]
    return replace(row, share_of_gemm=row.share_of_gemm * lower)


def _steps(request: Request, effort: Effort, ceilings: Roofline) -> Iterator[Row | LeftOut]:
    """Every case that fits."""
    chunk, warm = (1 if ceilings.device == "cpu" else effort.chunk), warm_steps(ceilings.device)
    rate: float | None = None
    for width, height in effort.sizes:
        operations = count_operations(Case(width, height)) * (warm + CHUNKS * chunk + 1)
        if reason := _too_long(operations, rate, effort.row_seconds, ceilings):
            yield LeftOut("step", width, height, reason)
            continue
        cases = list(_cases(width, height, request.device, ceilings.device))
        log.info("measuring steps at %dx%d", width, height)
        for case, found in zip(cases, _found(cases, chunk, warm, ceilings.device), strict=True):
            if isinstance(found, str):
                yield LeftOut("step", width, height, f"{found} ({case.optimizer}, {case.precision})")
                continue
            rate = found.operations / found.seconds
            yield step_row(case, found, ceilings)


def _found(cases: Sequence[Case], chunk: int, warm: int, kind: str) -> list[Step | str]:
    """Each case's step: on a CPU in processes of their own, whose memory is theirs; a GPU counts it anew for each."""
    if kind == "cpu":
        return [_unless_full(partial(measure_step, case, chunk=chunk, warm=warm)) for case in cases]
    found = _unless_full(partial(measure_steps, cases, chunk=chunk, warm=warm))
    return [found] * len(cases) if isinstance(found, str) else [step or NO_MEMORY for step in found]


def _cases(width: int, height: int, device: str, kind: str) -> Iterator[Case]:
    for precision in PRECISIONS[kind]:
        for optimizer in OPTIMIZERS:
            yield Case(width, height, device, optimizer, precision)
    if kind == "cuda":
        yield Case(width, height, device, "lbfgs", USUAL[kind], autotune=True)


def _jobs(request: Request, effort: Effort, ceilings: Roofline, rate: float | None) -> Iterator[Row | LeftOut]:
    """A job at every size that fits; `rate` is that of the steps, in operations a second."""
    for width, height in effort.job_sizes:
        job = Job(width, height, effort.frames, request.device)
        operations = count_operations(Case(width, height))
        steps = fresh_work(job.settings, max(width, height)) + job.iterations * (job.frames - 1)
        if reason := _too_long(steps * operations, rate, JOB_ROWS * effort.row_seconds, ceilings):
            yield LeftOut("job", width, height, reason)
            continue
        log.info("measuring a job of %d frames at %dx%d", job.frames, width, height)
        found = _unless_full(partial(measure_job, job))
        yield (
            LeftOut("job", width, height, found)
            if isinstance(found, str)
            else job_row(job, found, operations, ceilings)
        )


def _too_long(operations: float, rate: float | None, seconds: float, ceilings: Roofline) -> str | None:
    """Why a CPU leaves this out, if it does."""
    if rate is None or ceilings.device != "cpu" or operations / rate <= seconds:
        return None
    return f"foreseen to take {operations / rate:.0f} s"


def _unless_full(work: Callable[[], T]) -> T | str:
    """What `work` finds in a process of its own, or that there was no memory for it."""
    try:
        return run_isolated(work)
    except BrokenProcessPool:
        return "its process was killed, likely for want of memory"
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return NO_MEMORY


def step_row(case: Case, step: Step, ceilings: Roofline) -> Row:
    """A step beside the ceiling of its precision."""
    return Row(
        kind="step",
        width=case.width,
        height=case.height,
        optimizer=case.optimizer,
        precision=case.precision,
        autotune=case.autotune,
        seconds_per_iteration=step.seconds,
        operations_per_iteration=step.operations,
        share_of_gemm=step.operations / step.seconds / ceilings.gemm[case.precision],
        fps=1 / (step.seconds * case.settings.iterations),
        peak_memory_bytes=step.memory,
    )


def job_row(job: Job, found: Performance, operations: int, ceilings: Roofline) -> Row:
    """A job beside the same ceiling."""
    precision, following = USUAL[ceilings.device], found.seconds - found.first_seconds
    return Row(
        kind="job",
        width=job.width,
        height=job.height,
        optimizer=job.settings.optimizer,
        precision=precision,
        seconds_per_iteration=found.stages["optimize"] / found.work,
        operations_per_iteration=operations,
        share_of_gemm=operations * found.work / found.seconds / ceilings.gemm[precision],
        fps=job.frames / found.seconds,
        peak_memory_bytes=found.memory,
        frames=job.frames,
        first_frame_seconds=found.first_seconds,
        following_fps=(job.frames - 1) / following if job.frames > 1 else None,
        stages=found.stages,
        overlap=found.overlap,
    )


def _load() -> float | None:
    return os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else None


def parse_size(text: str) -> tuple[int, int]:
    """`640x360` → (width, height).

    Raises:
        InputError: It is no size that VGG19 can see and a codec can store.

    """
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if min(size) < SMALLEST or any(side % 2 for side in size):
        raise InputError(f"--sizes {text!r} is no size; say an even width and height from {SMALLEST}, as in 640x360")
    return size


def _checked(request: Request) -> Effort:
    """How much is measured, if the device is there and the file may be written."""
    device = choose_device(request.device)
    if request.json is not None:
        check_new(request.json, overwrite=request.overwrite)
    return request.effort_on(device.type)
