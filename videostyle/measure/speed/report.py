"""What `bench` found, as tables for a person and as JSON for a program."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from videostyle.errors import AppearedError
from videostyle.measure.quality.report import rounded, versions
from videostyle.measure.speed.bench import Bench, Row
from videostyle.media.files import write_file
from videostyle.render.timing import AHEAD, BEHIND, LINE

_STEP_HEAD = ("step", "optimizer", "precision", "ms/step", "Mpx·it/s", "TFLOP/s", "of GEMM", "frames/s", "memory")
_STAGES = (*AHEAD, *LINE, *BEHIND)
_JOB_HEAD = ("job", "frames", "frames/s", "after 1st", "1st frame", "of GEMM", *_STAGES, "overlap", "memory")


def as_dict(found: Bench) -> dict[str, Any]:
    """For JSON: rows with all their fields, and what they rest on."""
    return {
        "date": found.date,
        "machine": {
            "device": found.ceilings.device,
            "name": found.ceilings.name,
            "cores": os.cpu_count(),
            "threads": found.ceilings.threads,
            "load_before": found.load,
            "drift": found.drift,
            "system": platform.platform(terse=True),
        },
        "versions": versions(torch=True),
        "ceilings": {"gemm_flops_per_second": found.ceilings.gemm, "copy_bytes_per_second": found.ceilings.copy},
        "rows": [asdict(row) for row in found.rows],
        "left_out": [asdict(row) for row in found.left_out],
        "start": None if found.start is None else asdict(found.start),
    }


def write_json(path: Path, found: Bench, *, replace: bool) -> None:
    """Write all of it; the file appears when it is complete.

    Raises:
        AppearedError: A file is there, and is not to be replaced.

    """
    text = json.dumps(rounded(as_dict(found)), indent=1, allow_nan=False) + "\n"
    try:
        write_file(path, text.encode(), replace=replace)
    except FileExistsError as error:
        raise AppearedError(path) from error


def table(found: Bench) -> str:
    """Some lines to read in a terminal."""
    steps = [_step_cells(row) for row in found.rows if row.kind == "step"]
    jobs = [_job_cells(row) for row in found.rows if row.kind == "job"]
    return "\n".join(
        [
            *_heading(found),
            *(["", *_aligned([_STEP_HEAD, *steps])] if steps else []),
            *(["", *_aligned([_JOB_HEAD, *jobs])] if jobs else []),
            "",
            *(f"left out: {row.kind} at {row.width}x{row.height}, {row.reason}" for row in found.left_out),
            *_start(found),
        ]
    )


def _start(found: Bench) -> list[str]:
    s = found.start
    times = "" if s is None else f"--version {s.version:.2f} s, --help {s.help:.2f} s, one frame of 64 pixels "
    return [] if s is None else [f"start: {times}{s.first_frame:.2f} s"]


def _heading(found: Bench) -> list[str]:
    c = found.ceilings
    gemm = ", ".join(f"{rate / 1e12:.3g} TFLOP/s in {name}" for name, rate in c.gemm.items())
    load = "" if found.load is None else f"; load before, over the cores: {found.load:.2f}"
    return [
        f"{c.name}, {c.threads} threads, {found.date}{load}",
        f"ceilings: matrix product {gemm}; copy {c.copy / 1e9:.3g} GB/s; drift {_share(found.drift)}",
    ]


def _step_cells(row: Row) -> tuple[str, ...]:
    pixels = row.width * row.height
    return (
        f"{row.width}x{row.height}",
        row.optimizer,
        row.precision + (" tuned" if row.autotune else ""),
        f"{row.seconds_per_iteration * 1e3:.4g}",
        f"{pixels / row.seconds_per_iteration / 1e6:.3g}",
        f"{row.operations_per_iteration / row.seconds_per_iteration / 1e12:.3g}",
        f"{row.share_of_gemm:.0%}",
        f"{row.fps:.3g}",
        _memory(row.peak_memory_bytes),
    )


def _job_cells(row: Row) -> tuple[str, ...]:
    stages = row.stages or {}
    return (
        f"{row.width}x{row.height}",
        str(row.frames),
        f"{row.fps:.3g}",
        "-" if row.following_fps is None else f"{row.following_fps:.3g}",
        "-" if row.first_frame_seconds is None else f"{row.first_frame_seconds:.3g} s",
        f"{row.share_of_gemm:.0%}",
        *(f"{stages.get(name, 0.0):.3g} s" for name in _STAGES),
        _share(row.overlap),
        _memory(row.peak_memory_bytes),
    )


def _share(part: float | None) -> str:
    return "-" if part is None else f"{part:.0%}"


def _memory(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"


def _aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """The first column to the left, the others to the right."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    return [
        "  ".join(cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in enumerate(zip(row, widths)))  # noqa: B905
        for row in zip(*columns, strict=True)
    ]
