"""What it costs that the finished frames of an open segment are kept: seconds of a frame, and bytes on the disk.

    python benchmarks/drafts.py CONTENT STYLE [--size 640] [--frames 4]

The command styles the first frames of a film, and counts the time in `journal.drafts.DraftFolder.add` and the size of
what lies there after each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from videostyle import Settings, Span, stylize_video
from videostyle.journal.drafts import Draft, DraftFolder


def main() -> None:
    """Print a row for each frame, and the share of the job."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("content", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--frames", type=int, default=4)
    asked = parser.parse_args()
    spent: list[float] = []
    add = DraftFolder.add

    def timed(folder: DraftFolder, *args: Any, **more: Any) -> Draft:
        began = time.monotonic()
        draft = add(folder, *args, **more)
        spent.append(time.monotonic() - began)
        kept = sum(path.stat().st_size for path in folder.files())
        print(f"| {len(draft.frames)} | {spent[-1] * 1e3:.1f} | {kept / 1e6:.2f} |", flush=True)
        return draft

    print("| frame | ms | MB that are kept |\n| --- | --- | --- |")
    DraftFolder.add = timed  # type: ignore[method-assign]
    settings = Settings(size=asked.size, weights="builtin")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        stylize_video(asked.content, asked.style, Path(folder) / "out.mp4", settings, span=Span(0, asked.frames))
    whole = time.monotonic() - began
    print(f"\n{sum(spent) / whole:.2%} of {whole:.1f} s")


if __name__ == "__main__":
    main()
