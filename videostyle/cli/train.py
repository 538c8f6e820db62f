"""The `train` command: from words to a look file, with what is told meanwhile."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from videostyle import interrupt
from videostyle.cli.parse import make_span
from videostyle.cli.streams import SafeStream, say
from videostyle.errors import InputError
from videostyle.plan.paths import check_new
from videostyle.settings import Settings
from videostyle.train import TrainingRequest, train_look

if TYPE_CHECKING:
    from videostyle.network.train import TrainingReport

USAGE = "videostyle train CONTENT STYLE [STYLE ...] -o LOOK.safetensors"


def train(
    paths: Sequence[Path],
    output: Path,
    settings: Settings,
    *,
    steps: int,
    start: Path | None,
    pictures: Path | None,
    picture: Path | None,
    frames: str | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Train a look, show how far it is, and say what was made."""
    if len(paths) < 2:
        raise InputError(f"give a content and a style: {USAGE}")
    if picture is not None:
        check_new(picture, overwrite=overwrite)
    request = TrainingRequest(
        content=paths[0],
        styles=tuple(paths[1:]),
        output=output,
        settings=settings,
        span=make_span(frames, None, None),
        steps=steps,
        start=start,
        pictures=pictures,
        overwrite=overwrite,
    )
    began, report = time.monotonic(), None
    for report in _shown(train_look(request), steps, quiet=quiet):
        interrupt.check()
        if picture is not None:
            report.write_picture(picture)
    if report is not None and not quiet:
        say(f"{report.step} steps in {time.monotonic() - began:.1f} s, loss {report.loss:.2f}: {output}")


def _shown(reports: Iterator[TrainingReport], steps: int, *, quiet: bool) -> Iterator[TrainingReport]:
    """Pass reports on; show them as a bar on a terminal, else as lines."""
    stream = SafeStream(sys.stderr)
    bar = not quiet and stream.isatty()
    with tqdm(total=steps, disable=not bar, file=stream, unit=" steps", leave=False) as shown:
        for report in reports:
            shown.update(report.step - shown.n)
            shown.set_postfix(loss=f"{report.loss:.2f}")
            if not (quiet or bar):
                parts = ", ".join(f"{name} {loss:.3g}" for name, loss in report.held_out.items())
                stream.write(f"videostyle: step {report.step} of {steps}: {parts}\n")
                stream.flush()
            yield report
