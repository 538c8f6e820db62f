"""A whole job on a clip made by code: frames a second, and where the time goes. And how long a start takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from videostyle.frames import Pixels
from videostyle.measure.speed.isolated import peak_memory
from videostyle.measure.speed.step import WEIGHTS
from videostyle.media.image.still import write_still
from videostyle.plan.planner import make_plan
from videostyle.plan.request import Request
from videostyle.render.progress import FrameReport, Progress
from videostyle.render.run import run
from videostyle.render.timing import overlap
from videostyle.settings import Settings

RATE = 24  # frames a second of the clip
PAN, DRIFT = 2, (4, 1)  # pixels a frame: of the ground to the left, of the disc to the right and down
RADIUS = 1 / 6  # of the disc, of the frame's height


@dataclass(frozen=True)
class Job:
    """What is styled: `frames` frames of the standard clip, with standard settings."""

    width: int
    height: int
    frames: int
    device: str = "cpu"
    iterations: int = Settings().iterations
    first_iterations: int = Settings().first_iterations

    @property
    def settings(self) -> Settings:
        return Settings().override(
            size=max(self.width, self.height),
            iterations=self.iterations,
            first_iterations=self.first_iterations,
            device=self.device,
            weights=WEIGHTS,
        )


@dataclass(frozen=True)
class Performance:
    """What was found.

    Args:
        seconds: Of the job, without the loading of the network.
        first_seconds: Of those, until the first frame was encoded.
        stages: Seconds by stage, see `render.stages`.
        overlap: The share of decoding, flow and encoding that the optimizer did not have to wait for.
        work: Steps that were taken, in steps at full size.
        memory: Peak bytes: of the device's own memory if it is a GPU, else of the process.

    """

    seconds: float
    first_seconds: float
    stages: dict[str, float]
    overlap: float | None
    work: float
    memory: int


@dataclass(frozen=True)
class Start:
    """Seconds from a command to its end: `--version`, `--help`, and one frame of 64 pixels with one step."""

    version: float
    help: float
    first_frame: float


def standard_clip(width: int, height: int, count: int) -> Iterator[Pixels]:
    """Frames of a textured ground that pans and a disc of another texture that crosses it, see `PAN` and `DRIFT`."""
    ground, skin = _texture(width + PAN * count, height, 1), _texture(width, height, 2)
    ys, xs = np.mgrid[:height, :width]
    radius = RADIUS * height
    for number in range(count):
        frame = ground[:, PAN * number : PAN * number + width].copy()
        dx, dy = DRIFT[0] * number, DRIFT[1] * number
        disc = (xs - width / 4 - dx) ** 2 + (ys - height / 3 - dy) ** 2 < radius**2
        frame[disc] = np.roll(skin, (dy, dx), axis=(0, 1))[disc]
        yield frame


def _texture(width: int, height: int, seed: int) -> Pixels:
    """Smooth blobs on a warm ground: something that flow can hold on to."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5) + 2.4 * cv2.GaussianBlur(noise, (0, 0), 6.0)
    levels = np.array([190, 130, 70], np.float32) + 30 * smooth / smooth.std()
    pixels: Pixels = levels.clip(0, 255).astype(np.uint8)
    return pixels


def write_clip(path: Path, width: int, height: int, count: int) -> None:
    """Encode the standard clip as H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, pixels in enumerate(standard_clip(width, height, count)):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def _inputs(folder: Path, width: int, height: int, count: int) -> tuple[Path, Path]:
    content, style = folder / "clip.mp4", folder / "style.png"
    write_clip(content, width, height, count)
    write_still(style, _texture(width, height, 7), "")
    return content, style


class _Meter(Progress):
    """Collects frames, and adds up steps at full size."""

    def __init__(self) -> None:
        self.reports: list[FrameReport] = []
        self.work = 0.0

    def on_frame(self, report: FrameReport) -> None:
        self.reports.append(report)

    def on_work(self, cost: float) -> None:
        self.work += cost


def measure_job(job: Job) -> Performance:
    """Style the standard clip in a temporary directory."""
    meter = _Meter()
    with tempfile.TemporaryDirectory() as folder:
        content, style = _inputs(Path(folder), job.width, job.height, job.frames)
        output = Path(folder, "out.mp4")
        summary = run(make_plan(Request(content=content, styles=(style,), output=output, settings=job.settings)), meter)
    return Performance(
        seconds=summary.seconds,
        first_seconds=meter.reports[0].seconds,
        stages=dict(summary.stages),
        overlap=overlap(summary.stages),
        work=meter.work,
        memory=_memory(job.device),
    )


def _memory(device_name: str) -> int:
    import torch

    from videostyle.style.device import choose_device

    device = choose_device(device_name)
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_memory()


def measure_start(device: str, starts: int) -> Start:
    """Run each command `starts` times in new processes, the slow one at most twice.

    The first of several fills the system's caches and does not count; of the others the median does.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [*_inputs(Path(folder), 64, 48, 1), Path(folder, "out.mp4")]
        options = ["--first-iterations", "1", "--weights", WEIGHTS, "--device", device, "--overwrite", "--quiet"]
        return Start(
            version=_command(["--version"], starts),
            help=_command(["--help"], starts),
            first_frame=_command([*map(str, paths), *options], min(starts, 2)),
        )


def _command(words: Sequence[str], starts: int) -> float:
    times = [_seconds(words) for _ in range(starts)]
    return statistics.median(times[1:] or times)


def _seconds(words: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "videostyle", *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
