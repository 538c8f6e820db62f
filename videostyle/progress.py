"""What is shown on stderr while the work goes on: notices, and below them a bar."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from videostyle.render.batch import Batch
    from videostyle.render.film import FrameReport
    from videostyle.render.plan import Plan

log = logging.getLogger("videostyle")


def speak(*, quiet: bool, verbose: bool) -> None:
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it tells of every tag that it skips
    log.setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)
    if not log.handlers:
        log.addHandler(_Notices())


class _Notices(logging.Handler):
    """Notices on stderr, above the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(f"videostyle: {record.getMessage()}", file=sys.stderr)


class Bar:
    """Progress in optimizer steps, so that the time to go is honest: a first frame costs many times the others."""

    def __init__(self, job: Plan | Batch, *, hidden: bool) -> None:
        self._job, self._done, self._before, self._seconds = job, 0, 0, 0.0
        self._bar = tqdm(
            total=job.frames if job.untouched else job.work,
            disable=hidden,
            smoothing=0.1,
            bar_format="{desc} |{bar}| {percentage:3.0f}% {elapsed} gone, {remaining} to go{postfix}",
        )
        self._show()

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def on_resume(self, frames: int) -> None:
        """That many frames are done; the rest counts as the whole."""
        self._before, self._done, self._seconds = frames, frames, 0.0
        self._bar.reset(None if self._job.frames is None else self._left(frames))
        self._show()

    def _left(self, done: int) -> float | None:
        frames = self._job.frames
        return (None if frames is None else frames - done) if self._job.untouched else self._job.left(done) or None

    def on_work(self, work: float) -> None:
        self._bar.update(work)

    def on_frame(self, report: FrameReport) -> None:
        self._done += 1
        self._seconds += report.seconds
        log.debug("frame %d: %s", report.index, ", ".join(f"{k} {v:.4f}" for k, v in report.losses.items()))
        self._bar.set_postfix_str(f"{self._seconds / (self._done - self._before):.2f} s/frame", refresh=False)
        if self._job.untouched:
            self._bar.update(1)
        elif self._job.frames is not None:
            self._bar.total = self._bar.n + self._job.left(self._done) or None
        self._show()

    def _show(self) -> None:
        total = "?" if self._job.frames is None else self._job.frames
        self._bar.set_description_str(f"{self._done}/{total} frames")
