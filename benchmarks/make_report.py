"""results/*.json → results.md and steps.svg, beside this file.

python benchmarks/make_report.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

Found = dict[str, Any]

HERE = Path(__file__).parent
BAR, GAP, LEFT, WIDTH, RIGHT = 18, 8, 330, 420, 150  # of the plot, pixels
FILL, INK, FAINT = "#c8321e", "#282828", "#e1e1e1"


def main(folder: Path = HERE) -> int:
    """Make both files from what is there; with no results there is nothing to make."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "results").glob("*.json"))]
    if not found:
        print(f"there are no results in {folder / 'results'}; make some with: videostyle bench --json FILE")
        return 1
    (folder / "results.md").write_text(markdown(found), encoding="utf-8")
    (folder / "steps.svg").write_text(plot(found), encoding="utf-8")
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


def plot(found: Iterable[Found]) -> str:
    """A bar for every step: how much of the machine's matrix product it reaches."""
    rows = [(each["machine"]["name"], row) for each in found for row in _rows(each, "step")]
    height = GAP + len(rows) * (BAR + GAP) + 24
    grid = [_grid(LEFT + share * WIDTH / 100, height, share) for share in (0, 25, 50, 75, 100)]
    bars = [_bar(name, row, GAP + at * (BAR + GAP)) for at, (name, row) in enumerate(rows)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
            f'font-family="sans-serif" font-size="12" fill="{INK}">',
            '<rect width="100%" height="100%" fill="white"/>',
            *grid,
            *bars,
            "</svg>\n",
        ]
    )


def _grid(x: float, height: int, share: int) -> str:
    label = f'<text x="{x:g}" y="{height - 6}" text-anchor="middle">{share} %</text>'
    return f'<line x1="{x:g}" x2="{x:g}" y1="0" y2="{height - 20}" stroke="{FAINT}"/>{label}'


def _bar(machine: str, row: Found, y: int) -> str:
    length = WIDTH * min(row["share_of_gemm"], 1.2)
    words = escape(f"{machine.split(',')[0][:24]} {_label(row)}")
    return (
        f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{words}</text>'
        f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{FILL}"/>'
        f'<text x="{LEFT + length + 6:.1f}" y="{y + 13}">{row["share_of_gemm"]:.0%}, '
        f"{row['seconds_per_iteration'] * 1e3:.4g} ms</text>"
    )


if __name__ == "__main__":
    sys.exit(main())
