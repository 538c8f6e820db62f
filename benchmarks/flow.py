"""Measure optical flow and its masks where the motion is known: Markdown tables.

    python benchmarks/flow.py [flow] [masks] [sizes] [--pairs DIR] [--frames 6] [--width 384] [--height 216]

Clips of known motion are made here: a picture of dead leaves (Lee, Mumford & Huang 2001), whose edges and flat parts
are distributed as those of photographs, with noise of one level, under a pan, a zoom with a turn, a pan with a disc
that passes against it, and a pan into the dark. DIR holds pairs from elsewhere, by these names:

    NAMEflow10.flo or NAMEgt_0010.flo      motion from the first to the second (Middlebury's format)
    NAMEframe10.png, NAMEframe11.png       or NAMEframe_0010.png, ...
    NAMEocc_0010.png, NAMEinvalid_0010.png white: covered in the second frame, outside of it (MPI Sintel); if known

An outlier is off by more than 3 pixels and 5 % (as KITTI counts). Times are the best of three, of the largest pair.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Pixels, Plane
from videostyle.motion import flow as motion
from videostyle.motion.flow import MASKS, METHODS, Method, estimate, refine_boundaries

CLIPS = ("pan", "zoom", "disc", "dark")
NOISE = 1.0  # levels
LEAVES = 12000
STROKES = 40.0  # levels: deviation of the marks that a wrong flow would carry astray
THREADS = sorted({1, len(os.sched_getaffinity(0))})
BOUNDS = (256, 512, 1024, 2048)  # longest sides that flow is computed at
Places = NDArray[np.bool_]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two frames, and how they belong together.

    Args:
        name: Of the set.
        here: (H, W, 3) uint8.
        there: The same.
        flow: (H, W, 2), pixels from `here` to `there`.
        known: (H, W), where `flow` is.
        visible: (H, W), where `there` shows what `here` shows; None where nobody said.

    """

    name: str
    here: Pixels
    there: Pixels
    flow: Plane
    known: Places
    visible: Places | None


# --- pairs from elsewhere


def read_pairs(folder: Path) -> Iterator[Pair]:
    for path in sorted(folder.glob("*.flo")):
        found = re.fullmatch(r"(.*?)(?:gt_?|flow_?|frame_?)(\d+)", path.stem)
        if not found:
            raise SystemExit(f"{path.name} says no number; name it as in NAMEflow10.flo")
        name, number = found.groups()
        pictures = [_read(folder, name, "frame", f"{int(number) + k:0{len(number)}d}") for k in (0, 1)]
        if pictures[0] is None or pictures[1] is None:
            raise SystemExit(f"beside {path.name} there is no {name}frame{number}.png, or none after it")
        flow, hidden = read_flo(path), [_read(folder, name, kind, number) for kind in ("occ", "invalid")]
        known = np.abs(flow).max(-1) < 1e9
        visible = None if hidden[0] is None else np.max([h.max(-1) for h in hidden if h is not None], axis=0) < 128
        yield Pair(name.strip("_"), *pictures, np.where(known[..., None], flow, 0), known, visible)


def read_flo(path: Path) -> Plane:
    width, height = np.fromfile(path, "<i4", 2, offset=4)
    return np.fromfile(path, "<f4", offset=12).reshape(height, width, 2)


def _read(folder: Path, name: str, kind: str, number: str) -> Pixels | None:
    paths = [folder / f"{name}{kind}{bar}{number}.png" for bar in ("", "_")]
    found = next((cv2.imread(str(path)) for path in paths if path.exists()), None)
    return None if found is None else np.ascontiguousarray(found[..., ::-1])


# --- clips of known motion


def leaves(width: int, height: int, seed: int) -> Pixels:
    """Discs of all sizes lying on each other, as many of each as makes the picture look alike at every scale."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    least, most = 2.0, height / 3
    radii = 1 / np.sqrt(rng.uniform(1 / most**2, 1 / least**2, LEAVES))  # density r^-3
    for radius in radii:
        center = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        cv2.circle(picture, center, round(radius), rng.uniform(20, 235, 3).tolist(), -1, cv2.LINE_AA)
    grain = cv2.GaussianBlur(rng.normal(0, 1, picture.shape).astype(np.float32), (0, 0), 1.5)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 0.7) + 4 * grain / grain.std(), 0, 255).astype(np.uint8)


def camera(kind: str, t: int, width: int, height: int) -> Matrix:
    """(3, 3), from pixels of frame `t` to those of the picture."""
    scale, angle, x, y = (1 / (1 + 0.01 * t), 0.004 * t, 0.0, 0.0) if kind == "zoom" else (1.0, 0.0, 1.6 * t, 0.5 * t)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    turned = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    turned[:2, 2] = np.array([width * 0.75 + x, height * 0.75 + y]) - turned[:2, :2] @ [width / 2, height / 2]
    return turned


def disc(kind: str, t: int, width: int, height: int) -> tuple[float, float, float]:
    """Center and radius of what passes; it has no size where nothing does."""
    return width * 0.2 + 4.0 * t, height * 0.55 + 8 * np.sin(t / 3), height * 0.17 if kind == "disc" else 0.0


def clip(kind: str, width: int, height: int, count: int, seed: int = 0) -> Iterator[Pair]:
    """The pairs of a clip, from its second frame on: `there` is the frame before."""
    world, skin = leaves(width * 3 // 2 + 2 * count, height * 3 // 2 + count, seed), leaves(height, height, seed + 1)
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    before: Pixels | None = None
    for t in range(count):
        here = _shown(kind, t, world, skin, x, y)
        noisy = np.clip(here + rng.normal(0, NOISE, here.shape), 0, 255).round().astype(np.uint8)
        if before is not None:
            yield Pair(kind, noisy, before, *_truth(kind, t, x, y))
        before = noisy


def _shown(kind: str, t: int, world: Pixels, skin: Pixels, x: Matrix, y: Matrix) -> Pixels:
    height, width = x.shape
    shown = _sampled(world, *_through(camera(kind, t, width, height), x, y))
    cx, cy, radius = disc(kind, t, width, height)
    cover = np.clip(radius - np.hypot(x - cx, y - cy) + 0.5, 0, 1)[..., None]
    shown = cover * _sampled(skin, x - cx + height / 2, y - cy + height / 2) + (1 - cover) * shown
    return shown * (0.96**t if kind == "dark" else 1)


def _truth(kind: str, t: int, x: Matrix, y: Matrix) -> tuple[Plane, Places, Places]:
    height, width = x.shape
    back = np.linalg.inv(camera(kind, t - 1, width, height)) @ camera(kind, t, width, height)
    ends = np.stack(_through(back, x, y), -1)
    (cx, cy, radius), (px, py, _) = disc(kind, t, width, height), disc(kind, t - 1, width, height)
    covers = np.hypot(x - cx, y - cy) < radius
    covered = ~covers & (np.hypot(ends[..., 0] - px, ends[..., 1] - py) < radius)
    ends[covers] = np.stack([x + px - cx, y + py - cy], -1)[covers]
    inside = (ends >= -0.5).all(-1) & (ends[..., 0] < width - 0.5) & (ends[..., 1] < height - 0.5)
    flow = (ends - np.stack([x, y], -1)).astype(np.float32)
    return flow, np.ones(x.shape, bool), inside & ~covered


def _through(matrix: Matrix, x: Matrix, y: Matrix) -> tuple[Matrix, Matrix]:
    return matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2], matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]


def _sampled(picture: Pixels, x: Matrix, y: Matrix) -> Pixels:
    ends = x.astype(np.float32), y.astype(np.float32)
    return cv2.remap(picture.astype(np.float32), *ends, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def pairs_of_all(words: argparse.Namespace) -> dict[str, list[Pair]]:
    """By the name of the set."""
    sets = {kind: list(clip(kind, words.width, words.height, words.frames)) for kind in CLIPS}
    for pair in read_pairs(words.pairs) if words.pairs else ():
        sets.setdefault(pair.name, []).append(pair)
    return sets


# --- what is measured


def errors(flow: Plane, pair: Pair) -> tuple[float, float, float]:
    """End-point error of all pixels and of visible ones, in pixels, and the share of outliers among the latter."""
    error, length = np.hypot(*(flow - pair.flow).transpose(2, 0, 1)), np.hypot(*pair.flow.transpose(2, 0, 1))
    seen = pair.known if pair.visible is None else pair.known & pair.visible
    outlying = (error > 3) & (error > 0.05 * length)
    return float(error[pair.known].mean()), float(error[seen].mean()), float(outlying[seen].mean())


def doubts(mask: str, pairs: Sequence[Pair]) -> tuple[float, float, float, float]:
    """Precision and recall of doubt against what was hidden, doubt of what was not, and how far marks go astray.

    The last one is the root mean square, in levels, where the mask trusts, between marks moved along the estimated flow
    and along the true one; where there is no true one, between two pictures of such marks.
    """
    right, doubted, hidden, wrong, seen, astray, trusted = np.sum([_doubted(mask, pair) for pair in pairs], axis=0)
    with np.errstate(invalid="ignore"):  # where nothing is hidden, or nothing doubted
        return right / doubted, right / hidden, wrong / seen, np.sqrt(astray / trusted)


def _doubted(mask: str, pair: Pair) -> tuple[float, ...]:
    moved = estimate(pair.there, pair.here, METHODS["dis-fine"], mask)
    doubt, hidden = 1 - moved.mask, ~pair.visible
    astray = np.where(hidden, 2 * STROKES**2, np.square(_marks(moved.flow) - _marks(pair.flow)))
    told = (doubt[hidden], doubt, hidden, doubt[~hidden], ~hidden, moved.mask * astray, moved.mask)
    return tuple(float(each.sum()) for each in told)


def _marks(flow: Plane) -> Plane:
    """Marks of two pixels, moved."""
    height, width = flow.shape[:2]
    drawn = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(height, width)).astype(np.float32), (0, 0), 2)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    ends = x + flow[..., 0], y + flow[..., 1]
    return cv2.remap(drawn * (STROKES / drawn.std()), *ends, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def milliseconds(work: Callable[[], object], threads: int) -> float:
    """Of one thread those that it worked, whatever else ran; of several those that went by."""
    cv2.setNumThreads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    times = []
    for _ in range(3):
        began = clock()
        work()
        times.append(clock() - began)
    return min(times) * 1000


# --- tables


def flow_table(sets: Mapping[str, Sequence[Pair]]) -> Iterator[str]:
    """Every method, as it is and with its motion boundaries settled: errors of all / of visible pixels, outliers."""
    largest = max((pair for pairs in sets.values() for pair in pairs), key=lambda pair: pair.here.size)
    size = f"{largest.here.shape[1]}x{largest.here.shape[0]}"
    yield from head(["flow", *sets, *(f"ms at {size}, {threads} threads" for threads in THREADS)])
    for name, method in METHODS.items():
        for words, work in ((name, _plain(method)), (f"{name}, settled", _settled(method))):
            cells = []
            for pairs in sets.values():
                every, seen, out = np.mean([errors(work(pair), pair) for pair in pairs], axis=0)
                cells.append(f"{every:.3f} / {seen:.3f}, {100 * out:.1f} %")
            times = [milliseconds(partial(work, largest), threads) for threads in THREADS]
            yield row([words, *cells, *(f"{t:.0f}" for t in times)])


def _plain(method: Method) -> Callable[[Pair], Plane]:
    return lambda pair: method(*(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (pair.here, pair.there)))


def _settled(method: Method) -> Callable[[Pair], Plane]:
    return lambda pair: refine_boundaries(_plain(method)(pair), pair.here, pair.there)


def mask_table(sets: Mapping[str, Sequence[Pair]]) -> Iterator[str]:
    told = {name: pairs for name, pairs in sets.items() if all(pair.visible is not None for pair in pairs)}
    yield from head(["mask", *told])
    for name in MASKS:
        cells = []
        for pairs in told.values():
            precision, recall, false, astray = doubts(name, pairs)
            cells.append(f"{precision:.2f} / {recall:.2f}, {100 * false:.1f} %, {astray:.1f}")
        yield row([name, *cells])


def size_table(sets: Mapping[str, Sequence[Pair]]) -> Iterator[str]:
    """Errors of the first pair of each set that was read, at its size and at twice that, with bounded flow."""
    yield from head(["flow at", "pair", "all / visible, outliers", "ms of both ways and mask, 1 thread"])
    for name, pairs in sets.items():
        for pair in () if name in CLIPS else (pairs[0], doubled(pairs[0])):
            height, width = pair.here.shape[:2]
            for bound in (b for b in BOUNDS if b / 2 < width):
                motion.LARGEST = bound
                work = partial(estimate, pair.there, pair.here, METHODS["dis-fine"])
                every, seen, out = errors(work().flow, pair)
                cells = [str(min(bound, width)), f"{name}, {width}x{height}"]
                yield row([*cells, f"{every:.3f} / {seen:.3f}, {100 * out:.1f} %", f"{milliseconds(work, 1):.0f}"])


def doubled(pair: Pair) -> Pair:
    larger = [cv2.resize(p, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC) for p in (pair.here, pair.there)]
    flow = cv2.resize(pair.flow, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR) * 2
    known, visible = (None if p is None else p.repeat(2, 0).repeat(2, 1) for p in (pair.known, pair.visible))
    return replace(pair, here=larger[0], there=larger[1], flow=flow, known=known, visible=visible)


TABLES = {"flow": flow_table, "masks": mask_table, "sizes": size_table}


def head(names: Sequence[str]) -> list[str]:
    return ["", row(names), f"|{' --- |' * len(names)}"]


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", choices=TABLES, default=[*TABLES], metavar="TABLE")
    parser.add_argument("--pairs", type=Path, metavar="DIR", help="pairs from elsewhere")
    parser.add_argument("--frames", type=int, default=6, help="of each clip")
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--height", type=int, default=216)
    words = parser.parse_args()
    sets = pairs_of_all(words)
    for name in words.tables:
        for line in TABLES[name](sets):
            print(line, flush=True)


if __name__ == "__main__":
    main()
