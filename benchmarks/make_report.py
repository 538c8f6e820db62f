"""results/*.json → results.md and steps.svg, beside this file.

python benchmarks/make_report.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from videostyle.measure.chart import RED, in_style, new_figure, to_svg

Found = dict[str, Any]

HERE = Path(__file__).parent
WIDTH, BAR, HEAD = 900, 22, 50  # of the plot; of a bar; of a machine's heading; pixels


def main(folder: Path = HERE) -> int:
    """Make both files from what is there; with no results there is nothing to make."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "results").glob("*.json"))]
    if not found:
        print(f"there are no results in {folder / 'results'}; make some with: videostyle bench --json FILE")
        return 1
    (folder / "results.md").write_text(markdown(found), encoding="utf-8")
    if measured := [each for each in found if _rows(each, "step")]:
        (folder / "steps.svg").write_text(plot(measured), encoding="utf-8")
    return 0


def markdown(found: Iterable[Found]) -> str:
    """A section for each machine."""
    return "# Results\n\nMade by `make_report.py`; see README.md.\n" + "".join(_section(each) for each in found)


def _section(found: Found) -> str:
    machine, ceilings = found["machine"], found["ceilings"]
    gemm = ", ".join(f"{rate / 1e12:.3g} TFLOP/s {name}" for name, rate in ceilings["gemm_flops_per_second"].items())
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines = [
        f"\n## {machine['name']}, {found['date'][:10]}\n",
        f"{machine['cores']} cores, {machine['threads']} threads; {machine['system']}; {versions}; "
        f"load before {_number(machine['load_before'])}, drift {_share(machine['drift'])}.",
        f"Ceilings: {gemm}; copy {ceilings['copy_bytes_per_second'] / 1e9:.3g} GB/s.\n",
        *_table(("step", "ms", "share of GEMM", "peak MiB"), [_step_cells(r) for r in _rows(found, "step")]),
        *_table(
            ("job", "frames/s", "after the first", "overlap", "peak MiB"), [_job_cells(r) for r in _rows(found, "job")]
        ),
        *_start(found["start"]),
    ]
    return "\n".join(lines) + "\n"


def _start(start: Found | None) -> list[str]:
    if start is None:
        return ["Cut off before its end."]
    words = f"--version {start['version']:.2f} s, --help {start['help']:.2f} s"
    return [f"Start: {words}, one small frame {start['first_frame']:.2f} s."]


def _share(part: float | None) -> str:
    return "-" if part is None else f"{part:.0%}"


def _rows(found: Found, kind: str) -> list[Found]:
    return [row for row in found["rows"] if row["kind"] == kind]


def _label(row: Found) -> str:
    tuned = ", tuned" if row["autotune"] else ""
    return f"{row['width']}×{row['height']} {row['optimizer']} {row['precision']}{tuned}"


def _step_cells(row: Found) -> tuple[str, ...]:
    share = f"{row['share_of_gemm']:.0%}"
    return _label(row), f"{row['seconds_per_iteration'] * 1e3:.4g}", share, f"{row['peak_memory_bytes'] / 2**20:.0f}"


def _job_cells(row: Found) -> tuple[str, ...]:
    rates = _number(row["fps"]), _number(row["following_fps"])
    return (
        f"{_label(row)}, {row['frames']} frames",
        *rates,
        _share(row["overlap"]),
        f"{row['peak_memory_bytes'] / 2**20:.0f}",
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [head, ["---"] * len(head), *rows]
    return [*("| " + " | ".join(row) + " |" for row in cells), ""]


@in_style
def plot(found: Sequence[Found]) -> str:
    """A bar for every step: how much of the machine's matrix product it reaches; every machine has measured one."""
    counts = [len(_rows(each, "step")) for each in found]
    figure = new_figure(WIDTH, sum(HEAD + BAR * count for count in counts))
    axes = figure.subplots(len(found), squeeze=False, sharex=True, height_ratios=counts)
    for each, machine in zip(axes.flat, found, strict=True):
        _bars(each, machine)
    return to_svg(figure)


def _bars(axes: Axes, found: Found) -> None:
    rows = _rows(found, "step")
    shares = [row["share_of_gemm"] for row in rows]
    words = [f"{row['share_of_gemm']:.0%}, {row['seconds_per_iteration'] * 1e3:.4g} ms" for row in rows]
    axes.set_title(f"{found['machine']['name']}, {found['date'][:10]}: share of GEMM, time of a step")
    axes.bar_label(axes.barh(range(len(rows)), shares, color=RED), words, padding=4)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    axes.set(xlim=(0, 1.2), xticks=(0, 0.25, 0.5, 0.75, 1), ylim=(len(rows) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(left=False, labelbottom=True)
    axes.grid(False, axis="y")


if __name__ == "__main__":
    sys.exit(main())
