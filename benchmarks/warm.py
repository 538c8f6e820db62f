"""How soon a frame that follows another is good: its loss against steps and seconds, for several ways to take them.

python benchmarks/warm.py NAME [--content CLIP] [--style PICTURE] [--size 96] [--frame 4] [--weights builtin]

Of three frames in a row the first is made from nothing, the second follows it, and the third is what is measured. Its
`free` loss is that of content, style, smoothness and range alone; the `held` loss has the pull towards the previous
frame as well, and is what videostyle minimizes. The goal is a free loss within 5 % of what videostyle reaches from
nothing in --fresh steps at each size. A step at half size counts as a quarter. Seconds are those that
the processor worked for this process. Results go to benchmarks/results/warm/NAME.json; the table and the plot are made
of all files there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from matplotlib.ticker import PercentFormatter
from torch import Tensor

from videostyle import Settings
from videostyle.frames import Motion, Pixels, Span, fit
from videostyle.measure.chart import in_style, new_figure, to_svg
from videostyle.measure.quality.report import rounded, versions
from videostyle.measure.speed.roofline import device_name_of
from videostyle.media import reader
from videostyle.media.image import still
from videostyle.media.probe import probe
from videostyle.motion.flow import METHODS, estimate
from videostyle.style.features import weights
from videostyle.style.features.layers import layer_shares
from videostyle.style.features.vgg import VGG19
from videostyle.style.objective.look import Look, Style
from videostyle.style.objective.terms import Objective, TemporalTerm
from videostyle.style.optimize.iterate import Iterate, Moments, OptimizerState
from videostyle.style.optimize.iterate import Objective as Aim
from videostyle.style.optimize.lbfgs import FRESH_PRIOR, HISTORY, WARM_PRIOR, Prior
from videostyle.style.optimize.minimize import eager_steps, minimize
from videostyle.style.optimize.schedule import fresh_levels
from videostyle.style.pixels import mask_to_tensor, resize, scaled_size, to_tensor
from videostyle.style.warp import warp

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "samples"
CPU = torch.device("cpu")
WITHIN = 1.05
PLAIN = "plain L-BFGS from the content"
PLAIN_HISTORY = 100  # of torch's own L-BFGS, as it is by default
WIDTH, HEIGHT = 900, 400  # of the plot, pixels
ABOVE = 0.1  # of the least loss: the plot's height
COLORS = ("#c8321e", "#3258c8", "#28961e", "#963cb4", "#c88c14", "#1e9696", "#787878", "#282828")
LOOKS = [{"linestyle": dash, "color": color} for dash in ("-", "--") for color in COLORS]


@dataclass(frozen=True)
class Point:
    """What a step found: the work and the seconds up to it, and both losses."""

    work: float
    seconds: float
    free: float
    held: float


@dataclass(frozen=True, eq=False)
class Scene:
    """Three frames in a row, and what each is to be."""

    frames: Sequence[Pixels]
    look: Look
    network: VGG19
    settings: Settings

    def content(self, number: int) -> Tensor:
        return to_tensor(self.frames[number])

    def motion(self, number: int) -> Motion:
        return estimate(self.frames[number - 1], self.frames[number], METHODS[self.settings.flow])

    def moved(self, image: Tensor, number: int) -> Tensor:
        """A picture of the frame before as this one sees it."""
        return warp(image, torch.from_numpy(self.motion(number).flow).permute(2, 0, 1)[None])

    def free(self, number: int, scale: float = 1.0) -> Objective:
        content = self.content(number)
        size = scaled_size(content, max(content.shape[2:]) * scale)
        return Objective(self.network, self.look.terms(self.network, resize(content, size).clamp(0, 1), ()))

    def held(self, number: int, start: Tensor, scale: float = 1.0) -> Objective:
        """The same, held to `start` where the flow is trusted."""
        aim = self.free(number, scale)
        size = scaled_size(start, max(start.shape[2:]) * scale)
        mask = resize(mask_to_tensor(self.motion(number).mask), size).clamp(0, 1)
        pull = TemporalTerm(warped=resize(start, size).clamp(0, 1), mask=mask, weight=self.settings.temporal_weight)
        return replace(aim, terms=[*aim.terms, pull])


def read_scene(content: Path, style: Path, size: int, first: int, weights_name: str) -> Scene:
    settings = Settings(weights=weights_name, device="cpu")
    clip = probe(content)
    shape = fit(clip.width, clip.height, size)
    frames = [frame.pixels for frame in reader.read_frames(clip, shape, Span(first, first + 3))]
    built = weights.load(weights_name, layer_shares((*settings.content_layers, *settings.style_layers)))
    look = Look(settings, [Style(to_tensor(still.read_still(style)), 1.0, 1.0)], to_tensor(frames[0]))
    return Scene(frames, look, VGG19(built.tensors, built.pooling), settings)


@dataclass
class Trace:
    """The points of a walk over one or more levels."""

    points: list[Point] = field(default_factory=list)
    began: float = field(default_factory=time.process_time)

    def note(self, losses: dict[str, Tensor], cost: float) -> None:
        held = sum(float(loss) for loss in losses.values())
        work = (self.points[-1].work if self.points else 0.0) + cost
        self.points.append(Point(work, time.process_time() - self.began, held - float(losses.get("temporal", 0)), held))

    def walk(self, start: Iterate, aim: Objective, count: int, *, cost: float = 1.0, **how: Any) -> Iterate:
        return minimize(
            start,
            lambda image, done: aim(image),
            iterations=count,
            on_step=lambda walk: self.note(walk.losses, cost),
            **{"hessian_diagonal": aim.hessian_diagonal, **how},
        )


def fresh(scene: Scene, number: int, steps: int) -> tuple[Tensor, Trace]:
    """A frame from nothing, as videostyle makes it."""
    settings = scene.settings.override(first_iterations=steps)
    base, trace = scene.content(number), Trace()
    grain = 0.01 * torch.randn(base.shape, generator=torch.Generator().manual_seed(0))
    walk, below = Iterate(base + grain), base
    for level in fresh_levels(settings, max(base.shape[2:])):
        size = scaled_size(base, max(base.shape[2:]) * level.scale)
        laid = resize(base, size).clamp(0, 1)
        begin = Iterate(laid + resize(walk.image - below, size))
        walk, below = trace.walk(begin, scene.free(number, level.scale), level.iterations, cost=level.cost), laid
    return walk.image.clamp(0, 1), trace


def plain(scene: Scene, number: int, steps: int) -> Trace:
    """Torch's own L-BFGS from the content, without a line search."""
    image, aim, trace = scene.content(number).contiguous().requires_grad_(True), scene.free(number), Trace()
    walker = torch.optim.LBFGS(
        [image], max_iter=steps, max_eval=steps, tolerance_grad=0, tolerance_change=0, history_size=PLAIN_HISTORY
    )

    def closure() -> Tensor:
        walker.zero_grad()
        loss, losses = aim(image)
        loss.backward()
        trace.note({name: share.detach() for name, share in losses.items()}, 1.0)
        return loss

    walker.step(closure)
    return trace


@dataclass(frozen=True, eq=False)
class Following:
    """The third frame, and what making the second one left."""

    scene: Scene
    start: Tensor
    before: Tensor  # where the second frame started
    pairs: list[tuple[Tensor, Tensor]]
    steps: int

    def held(self, **how: Any) -> Trace:
        trace = Trace()
        trace.walk(Iterate(self.start), self.scene.held(2, self.start), self.steps, **{"prior": WARM_PRIOR, **how})
        return trace

    def free(self) -> Trace:
        trace = Trace()
        trace.walk(Iterate(self.start), self.scene.free(2), self.steps, prior=WARM_PRIOR)
        return trace

    def carried(self, move: Callable[[Tensor], Tensor]) -> Trace:
        """With the pairs of the frame before."""

        def steps(walker: OptimizerState, aim: Aim, iterations: int) -> Iterator[Iterate]:
            for s, y in self.pairs:
                walker = replace(walker, pairs=walker.pairs.pushed(move(s), move(y), torch.tensor(False)))  # type: ignore[attr-defined, type-var]
            yield from eager_steps(walker, aim, iterations)

        return self.held(steps=steps)

    def adam(self, moments: Moments | None = None) -> Trace:
        trace = Trace()
        trace.walk(Iterate(self.start, moments=moments), self.scene.held(2, self.start), self.steps, optimizer="adam")
        return trace

    def moments(self) -> Moments:
        """What Adam knew at the end of the second frame, moved along."""
        aim = self.scene.held(1, self.before)
        known = Trace().walk(Iterate(self.before), aim, self.scene.settings.iterations, optimizer="adam").moments
        assert known is not None
        mean, square = (self.scene.moved(each, 2) for each in (known.mean, known.square))
        return Moments(mean, square.clamp(min=0), known.steps)

    def coarse(self) -> Trace:
        """Half as many steps at half size first."""
        trace, aim = Trace(), self.scene.held(2, self.start, 0.5)
        shape = aim.terms[-1].warped.shape  # type: ignore[attr-defined]
        begin = resize(self.start, (shape[2], shape[3]))
        found = trace.walk(Iterate(begin), aim, self.steps // 2, cost=0.25, prior=FRESH_PRIOR)
        change = resize(found.image - begin, (self.start.shape[2], self.start.shape[3]))
        trace.walk(Iterate(self.start + change), self.scene.held(2, self.start), self.steps, prior=WARM_PRIOR)
        return trace


def second(scene: Scene, first: Tensor, steps: int) -> Following:
    """Make the second frame, and keep what the third may start from."""
    before = scene.moved(first, 1)
    pairs: list[tuple[Tensor, Tensor]] = []

    def kept(walker: OptimizerState, aim: Aim, iterations: int) -> Iterator[Iterate]:
        for number in range(iterations):
            earlier = walker
            walker, walk = walker.advance(aim, number / iterations)
            if number:
                gone = walker.image - earlier.image, walker.gradient - earlier.gradient  # type: ignore[attr-defined]
                pairs.append(gone)
            yield walk

    aim = scene.held(1, before)
    walk = Trace().walk(Iterate(before), aim, scene.settings.iterations, prior=WARM_PRIOR, steps=kept)
    return Following(scene, scene.moved(walk.image.clamp(0, 1), 2), before, pairs[-HISTORY:], steps)


def measured(scene: Scene, steps: int, most: int) -> dict[str, Any]:
    plain(scene, 2, 1)  # torch loads its optimizers
    first, _ = fresh(scene, 0, most)
    _, reference = fresh(scene, 2, most)
    following = second(scene, first, steps)
    ways: dict[str, Callable[[], Trace]] = {
        PLAIN: lambda: plain(scene, 2, most),
        "follows": following.held,
        "follows, not held": following.free,
        "as a fresh frame: f^-1, 0.03": lambda: following.held(prior=FRESH_PRIOR),
        "f^-1, 0.01": lambda: following.held(prior=Prior(1.0, 0.01)),
        "f^-0.5, 0.03": lambda: following.held(prior=Prior(0.5, 0.03)),
        "f^0, 0.01": lambda: following.held(prior=Prior(0.0, 0.01)),
        "stiffness not known": lambda: following.held(hessian_diagonal=None),
        "pairs carried over and warped": lambda: following.carried(lambda image: scene.moved(image, 2)),
        "pairs carried over": lambda: following.carried(lambda image: image),
        "half size first": following.coarse,
        "Adam": following.adam,
        "Adam, moments carried over and warped": lambda: following.adam(following.moments()),
    }
    return {
        "goal": WITHIN * reference.points[-1].free,
        "fresh": [vars(point) for point in reference.points],
        "ways": {name: [vars(point) for point in way().points] for name, way in ways.items()},
    }


def reached(points: Iterable[dict[str, float]], loss: str, goal: float) -> dict[str, float] | None:
    """The first point at or below the goal."""
    return next((point for point in points if point[loss] <= goal), None)


def table(found: dict[str, Any]) -> list[str]:
    """A row for each way: when its free loss is good, and how its held loss falls."""
    at = [n for n in (5, 8, 10, 12, 15, 20) if n <= found["steps"]]
    head = ["way", "steps to the goal", "seconds", *(f"held loss after {n}" for n in at)]
    rows = [[name, *_cells(points, found["goal"], at)] for name, points in found["ways"].items()]
    rows.append(["from nothing, as videostyle does", *_cells(found["fresh"], found["goal"], []), *("" for _ in at)])
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]


def _cells(points: Sequence[dict[str, float]], goal: float, at: Iterable[int]) -> list[str]:
    first = reached(points, "free", goal)
    when = ["-", "-"] if first is None else [f"{first['work']:g}", f"{first['seconds']:.3g}"]
    known = {point["work"]: f"{point['held']:.4f}" for point in points}
    return [*when, *(known.get(float(n), "") for n in at)]


def speedup(found: dict[str, Any], way: str) -> str:
    """How many times as fast as plain L-BFGS a way reaches the goal, in steps and in seconds."""
    rivals = found["ways"][PLAIN]
    ours, theirs = reached(found["ways"][way], "free", found["goal"]), reached(rivals, "free", found["goal"])
    if ours is None:
        return "not at all"
    last = theirs or rivals[-1]
    times = (
        f"{last['work'] / ours['work']:.3g} times as fast in steps, {last['seconds'] / ours['seconds']:.3g} in seconds"
    )
    return times if theirs else f"more than {times}, for plain L-BFGS did not reach it in {last['work']:g} steps"


def markdown(found: dict[str, Any]) -> str:
    threads = "one thread" if found["threads"] == 1 else f"{found['threads']} threads"
    lines = [
        f"## {found['scene']}, {found['weights']}, {found['size']} px\n",
        f"{found['machine']}, {threads}, {found['versions']}, {found['date'][:10]}.",
        f"The goal is a free loss of {found['goal']:.4f}. From the previous frame it is reached, against plain L-BFGS",
        f"from the content, {speedup(found, 'follows, not held')}; held to the previous frame,",
        f"{speedup(found, 'follows')}.\n",
        *table(found),
    ]
    return "\n".join(lines) + "\n"


@in_style
def plot(found: dict[str, Any]) -> str:
    """The held loss of each way that follows, over the least that any of them finds, against steps."""
    ways = {name: points for name, points in found["ways"].items() if name not in (PLAIN, "follows, not held")}
    least = min(p["held"] for points in ways.values() for p in points)
    figure = new_figure(WIDTH, HEIGHT)
    axes = figure.subplots()
    for look, (name, points) in zip(LOOKS, ways.items(), strict=False):
        axes.plot([p["work"] for p in points], [p["held"] / least - 1 for p in points], label=name, **look)
    axes.set(xlim=(0, 1.25 * found["steps"]), ylim=(0, ABOVE), xlabel="steps", title="held loss above the least")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(loc="outside right upper")
    return to_svg(figure)


def report(folder: Path) -> None:
    """warm.md and a plot for each scene, from all that was measured."""
    sections = []
    for path in sorted((folder / "results" / "warm").glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        (folder / f"warm-{path.stem}.svg").write_text(plot(found), encoding="utf-8")
        sections.append(markdown(found) + f"\n![Held loss against steps](warm-{path.stem}.svg)\n")
    (folder / "warm.md").write_text("# Warm frames\n\nMade by `warm.py`.\n\n" + "\n".join(sections), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", help="of the results; without one only the report is made anew")
    parser.add_argument("--content", type=Path, default=SAMPLES / "clip.mp4")
    parser.add_argument("--style", type=Path, default=SAMPLES / "night.jpg")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--frame", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--fresh", type=int, default=300)
    parser.add_argument("--weights", default="builtin")
    asked = parser.parse_args()
    if asked.name:
        scene = read_scene(asked.content, asked.style, asked.size, asked.frame, asked.weights)
        found = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": device_name_of(CPU),
            "threads": torch.get_num_threads(),
            "versions": ", ".join(f"{name} {number}" for name, number in versions(torch=True).items()),
            "scene": f"{asked.content.name} from frame {asked.frame}, {asked.style.name}",
            "weights": Path(asked.weights).name,
            "size": asked.size,
            "steps": asked.steps,
            **measured(scene, asked.steps, asked.fresh),
        }
        target = HERE / "results" / "warm" / f"{asked.name}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(rounded(found)) + "\n", encoding="utf-8")
    report(HERE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
