"""What a job shows while it runs: a bar in a terminal, lines in a log, or JSON for programs."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from tqdm import tqdm

from videostyle.cli.flags import ProgressMode
from videostyle.cli.streams import SafeStream, write_event
from videostyle.plan.batch import Batch
from videostyle.plan.plan import Plan
from videostyle.render.progress import FrameReport, Progress, Summary

PLAIN_SECONDS = 5.0  # between two lines of a log

log = logging.getLogger("videostyle")


def make_progress(mode: ProgressMode, *, quiet: bool) -> Progress:
    """How a job is shown: `auto` is a bar in a terminal, and plain lines anywhere else."""
    stream = SafeStream(sys.stderr)
    if quiet or mode == "none":
        return Progress()
    if mode == "auto":
        mode = "bar" if stream.isatty() else "plain"
    return {"bar": Bar, "plain": PlainLines, "json": JsonLines}[mode](stream)


class _Counted(Progress):
    """Counts frames and steps, of a video or of several images."""

    def __init__(self, stream: SafeStream) -> None:
        self._stream = stream
        self._plan: Plan | None = None
        self._batch: Batch | None = None
        self._frames: int | None = None
        self._done = self._before = 0
        self._work = self._left = self._seconds = 0.0

    def on_batch(self, batch: Batch) -> None:
        self._batch, self._frames, self._left = batch, batch.frames, batch.work

    def on_start(self, plan: Plan, seconds: float | None) -> None:
        if self._batch is None:
            self._plan, self._frames, self._left = plan, plan.frames, plan.work or 0.0
            if seconds is not None:
                log.info("%s", estimate_line(plan, seconds))

    def on_resume(self, frames: int) -> None:
        self._done = self._before = frames
        self._seconds = self._work = 0.0
        self._left = self._work_after(frames)

    def on_work(self, cost: float) -> None:
        self._work += cost

    def on_frame(self, report: FrameReport) -> None:
        self._done += 1
        self._seconds += report.seconds
        self._left = self._work_after(self._done)
        log.debug("frame %d: %s", report.index, ", ".join(f"{k} {v:.4f}" for k, v in report.losses.items()))

    def _work_after(self, done: int) -> float:
        """Estimated cost of what is left after so many frames."""
        job = self._batch or self._plan
        return 0.0 if job is None else job.left(done)

    @property
    def _rate(self) -> float:
        """Seconds a frame, of those that were made in this run."""
        return self._seconds / max(1, self._done - self._before)

    @property
    def _seconds_left(self) -> float | None:
        if self._frames is None or not self._work:
            return None
        return self._left * self._seconds / self._work


class Bar(_Counted):
    """A bar in optimizer steps, so that the time to go is honest: a first frame costs many times the others."""

    _bar: tqdm[Any] | None = None

    def on_batch(self, batch: Batch) -> None:
        super().on_batch(batch)
        self._open(passthrough=batch.is_passthrough)

    def on_start(self, plan: Plan, seconds: float | None) -> None:
        super().on_start(plan, seconds)
        if self._batch is None:
            self._open(passthrough=plan.is_passthrough)

    def _open(self, *, passthrough: bool) -> None:
        self._passthrough = passthrough
        self._bar = tqdm(
            total=self._total,
            file=self._stream,
            smoothing=0.1,
            bar_format="{desc} |{bar}| {percentage:3.0f}% {elapsed} gone, {remaining} to go{postfix}",
        )
        self._show()

    @property
    def _total(self) -> float | None:
        """What the bar counts to, from here on: frames, or steps at full size."""
        if self._frames is None:
            return None
        return (self._frames - self._done if self._passthrough else self._left) or None

    def on_resume(self, frames: int) -> None:
        super().on_resume(frames)
        if self._bar is not None:
            self._bar.reset(self._total)
            self._show()

    def on_work(self, cost: float) -> None:
        super().on_work(cost)
        if self._bar is not None:
            self._bar.update(cost)

    def on_frame(self, report: FrameReport) -> None:
        super().on_frame(report)
        if self._bar is None:
            return
        self._bar.set_postfix_str(f"{self._rate:.2f} s/frame", refresh=False)
        if self._passthrough:
            self._bar.update(1)
        elif self._frames is not None:
            self._bar.total = self._bar.n + self._left or None
        self._show()

    def on_done(self, summary: Summary) -> None:
        if self._batch is None:
            self.on_batch_done()

    def on_batch_done(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _show(self) -> None:
        if self._bar is not None:
            total = "?" if self._frames is None else self._frames
            self._bar.set_description_str(f"{self._done}/{total} frames")


class PlainLines(_Counted):
    """A line every five seconds at most, and always the last."""

    def __init__(self, stream: SafeStream) -> None:
        super().__init__(stream)
        self._last = time.monotonic()

    def on_frame(self, report: FrameReport) -> None:
        super().on_frame(report)
        now = time.monotonic()
        if now - self._last >= PLAIN_SECONDS or self._done == self._frames:
            self._last = now
            self._stream.write(f"videostyle: {self._line()}\n")
            self._stream.flush()

    def _line(self) -> str:
        total = "?" if self._frames is None else self._frames
        left = f", {_clock(self._seconds_left)} to go" if self._seconds_left else ""
        return f"{self._done}/{total} frames, {self._rate:.2f} s/frame{left}"


class JsonLines(_Counted):
    """One event a line, for programs."""

    def on_start(self, plan: Plan, seconds: float | None) -> None:
        super().on_start(plan, seconds)
        write_event(
            self._stream,
            "job",
            id=plan.job,
            content=str(plan.content.path),
            output=str(plan.output),
            frames=plan.frames,
            size=list(plan.written_size),
            estimated_seconds=None if seconds is None else round(seconds, 1),
        )

    def on_resume(self, frames: int) -> None:
        super().on_resume(frames)
        write_event(self._stream, "resume", frames=frames)

    def on_shot(self, index: int) -> None:
        write_event(self._stream, "shot", frame=index)

    def on_frame(self, report: FrameReport) -> None:
        super().on_frame(report)
        write_event(
            self._stream,
            "frame",
            frame=report.index,
            done=self._done,
            frames=self._frames,
            seconds=round(report.seconds, 3),
            seconds_left=None if self._seconds_left is None else round(self._seconds_left, 1),
            losses={name: round(value, 6) for name, value in report.losses.items()},
        )

    def on_done(self, summary: Summary) -> None:
        write_event(
            self._stream,
            "done",
            output=str(summary.output),
            frames=summary.frames,
            seconds=round(summary.seconds, 3),
            size=list(summary.size),
        )


def estimate_line(plan: Plan, seconds: float) -> str:
    """How long a job will take, and why."""
    frames = "? frames" if plan.frames is None else f"{plan.frames} frame{'' if plan.frames == 1 else 's'}"
    steps = (plan.work or 0) / max(1, plan.frames or 1)
    width, height = plan.size
    return f"{frames} at {width}x{height}, {steps:.0f} steps each: about {_clock(seconds)} on this machine"


def _clock(seconds: float) -> str:
    """1:02:03, 2:03 or 3 s."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
