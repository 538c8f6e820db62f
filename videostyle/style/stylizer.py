"""One frame after another: a fresh start, then each from where the last one went."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from videostyle.errors import DivergedError
from videostyle.frames import Frame, Light, Motion, Pixels, Plane, Step
from videostyle.settings import Settings
from videostyle.style.capture import RECORDING, Tapes, recorder
from videostyle.style.light import lit, unlit
from videostyle.style.look import Look, Style
from videostyle.style.losses import matrix_root
from videostyle.style.memory import LADDER, Rung, Tiled, out_of_memory
from videostyle.style.objective import Objective, TemporalTerm, Term
from videostyle.style.optimize import FAR, NEAR, Moments, Walk, minimize
from videostyle.style.pixels import fetched, resize, scaled_size, to_field, to_levels, to_plane, to_tensor
from videostyle.style.schedule import Level, following_levels, fresh_levels
from videostyle.style.vgg import VGG19
from videostyle.style.warp import warp

log = logging.getLogger(__name__)

GRAIN = 0.01  # deviation of the noise that a fresh start begins with, in [0, 1] pixel values
NOISE = 0.15  # the same, of a start from noise alone
RIPENING = 1 / 6  # of what a new pixel needs until it is held as firmly as others, each frame
COARSEST = 0.25  # of a frame's size, at which that noise is drawn
BROAD = 64  # longest side in pixels at which areas of color are told from drawing
AROUND = 4  # of these pixels on each side, over which they are even
PLAIN = 0.25  # of the strokes' contrast: where the content has that much detail, half of it takes their place

Work = Callable[[float], None]
Seen: TypeAlias = "tuple[_Past, Motion]"


@dataclass(frozen=True, eq=False)
class _Past:
    """A finished frame, and how long each pixel of it has been worked on: (1, 1, H, W) from 0, new, to 1, ripe."""

    image: Tensor
    ripeness: Tensor


@dataclass(frozen=True, eq=False)
class State:
    """All that a frame leaves to those that follow, so that work may go on from here in another process.

    Args:
        opening: (1, 3, H, W), the content of the frame that settled the look.
        previous: The frame, by its place in the source: the last of those known.
        known: The frame and those before it that may be recalled, by their places.

    """

    opening: Tensor
    previous: int
    known: Mapping[int, _Past]

    def tensors(self) -> dict[str, Tensor]:
        """The same by name, for a file; all of it is in [0, 1]."""
        found = {"opening": self.opening}
        for at, past in self.known.items():
            kind = "previous" if at == self.previous else "kept"
            found |= {f"{kind} {at} image": past.image, f"{kind} {at} ripeness": past.ripeness}
        return found

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> State:
        """The state that gave `tensors`."""
        images = [name.split() for name in tensors if name.endswith("image")]
        known = {
            int(at): _Past(*(tensors[f"{kind} {at} {p}"] for p in ("image", "ripeness"))) for kind, at, _ in images
        }
        before = [int(at) for kind, at, _ in images if kind == "previous"]
        return cls(tensors["opening"], before[0] if before else max(known), known)


@dataclass(frozen=True, eq=False)
class Stylized:
    """A finished frame that may still be on its way from the device; whoever asks for it waits, in any thread.

    Args:
        content: The frame it was made of.
        state: What it leaves to the next one.
        names: Of the losses.
        levels: Waits for its (H, W, 3) integers.
        values: Waits for whether it is finite, and what was left of each loss.

    """

    content: Frame
    state: State
    names: tuple[str, ...]
    levels: Callable[[], Tensor]
    values: Callable[[], Tensor]

    @cached_property
    def frame(self) -> Frame:
        """The frame restyled.

        Raises:
            DivergedError: The objective was not finite.

        """
        if not self.values()[0]:
            raise DivergedError(self.content.index)
        dtype = self.content.pixels.dtype
        return replace(self.content, pixels=self.levels().numpy().astype(dtype, copy=False))

    @cached_property
    def losses(self) -> dict[str, float]:
        """What was left of each loss, weighted, by name."""
        return dict(zip(self.names, self.values()[1:].tolist(), strict=True))


def _on_its_way(content: Frame, image: Tensor, walk: Walk, state: State) -> Stylized:
    """A frame, (1, 3, H, W), at the end of its walk: nothing here waits for a GPU."""
    finite = torch.isfinite(walk.image).all().to(image)
    values = torch.stack([finite, *(loss.to(image) for loss in walk.losses.values())])
    levels = to_levels(image, content.pixels.dtype)
    return Stylized(content, state, tuple(walk.losses), fetched(levels), fetched(values))


@dataclass(frozen=True, eq=False)
class _Canvas:
    """A frame as it is worked on: the picture, where each style goes, and what earlier results say of it."""

    image: Tensor
    regions: tuple[Tensor, ...]
    look: Look
    held: _Held | None


@dataclass(frozen=True, eq=False)
class _Held:
    """What a frame is held to: its neighbours' results moved along, where to trust them, how ripe they are.

    `start` is what its work begins with, `unseen` the share of it that is to be made anew, and `speed` how far the
    nearest neighbour moved, in pixels, on average.
    """

    image: Tensor
    mask: Tensor
    ripeness: Tensor
    start: Tensor
    unseen: float
    speed: float

    def term(self, size: tuple[int, int], weight: float) -> TemporalTerm:
        """The pull towards it at a size; what is not ripe yet is not held as firmly."""
        firmly = resize(self.mask * self.ripeness, size).clamp(0, 1)
        return TemporalTerm(warped=resize(self.image, size).clamp(0, 1), mask=firmly, weight=weight)

    def drawn(self, content: Tensor) -> _Held:
        """The same where what is unseen begins as what the content, (1, 3, H, W), shows, in the colors that are there.

        Strokes that were dragged along would have to be unmade first, for which a following frame has no steps. They
        stay where the content has no detail to put in their place.
        """
        detail, strokes = content - _broad(content), self.image - _broad(self.image)
        drawing = _contrast(detail)
        drawing = drawing / (drawing + PLAIN * _contrast(strokes)).clamp(min=1e-6)
        shown = (self.image + drawing * (detail - strokes)).clamp(0, 1)
        return replace(self, start=torch.lerp(shown, self.image, self.mask))


@dataclass(frozen=True, eq=False)
class _Worked:
    """A frame of a stretch, as far as it has been made."""

    step: Step
    opening: Tensor
    content: Tensor
    canvas: _Canvas
    past: _Past
    walk: Walk


class Stylizer:
    """Restyles steps; holds only what every frame shares, so that two videos may use it by turns.

    Args:
        settings: How.
        network: VGG19 on the device to work on.
        styles: (H, W, 3) pictures, at least one.
        device: Where the network is.
        on_work: Told after every step what it cost, in steps at full size.
        masks: (H, W) in [0, 1] for each style, the part of it that counts; empty for all of each.
        init: (H, W, 3), the picture that fresh frames start from where the settings name one.

    """

    def __init__(
        self,
        settings: Settings,
        network: VGG19,
        styles: Sequence[Pixels],
        device: torch.device,
        on_work: Work = lambda work: None,
        *,
        masks: Sequence[Plane] = (),
        init: Pixels | None = None,
    ) -> None:
        self._settings, self._device, self._on_work = settings, device, on_work
        self._ways = {rung: Tiled(network, rung.tile) if rung.tile else network for rung in LADDER}
        self._styles = [
            Style(
                to_tensor(style, device),
                _one_each(settings.style_scale, number),
                _one_each(settings.style_mix, number),
                to_plane(masks[number], device) if masks else None,
            )
            for number, style in enumerate(styles)
        ]
        self._init = None if init is None else to_tensor(init, device)
        waits = settings.style_loss == "wasserstein"  # its eigenvalues are looked at by the CPU
        self._tapes = Tapes(None if waits else recorder(device))

    def stylize(self, steps: Iterable[Step], state: State | None = None) -> Iterator[Stylized]:
        """Yield each step's frame restyled. What one frame leaves to the next stays float, never 8 bit.

        With more than one pass all steps are taken and held before the first is yielded: give a stretch at a time.

        Args:
            steps: In order.
            state: What the frame before the first step left, where one went before.

        """
        rungs = list(LADDER)
        made = self._forward(steps, state, rungs)
        if self._settings.passes > 1:
            made = iter(self._again(list(made), state, rungs))
        known = {} if state is None else state.known
        for worked in made:
            known = _remembered(known, worked.step, worked.past)
            finished = worked.canvas.look.finished(worked.past.image, worked.content)
            left = State(worked.opening, worked.step.frame.index, known)
            yield _on_its_way(worked.step.frame, lit(finished, worked.step.light), worked.walk, left)

    def _forward(self, steps: Iterable[Step], state: State | None, rungs: list[Rung]) -> Iterator[_Worked]:
        """The first pass: each frame from those before it."""
        known = {} if state is None else state.known  # the previous frame and those that may be recalled
        previous = None if state is None else state.known[state.previous]
        opening = None if state is None else state.opening
        look = None if opening is None else Look(self._settings, self._styles, opening)
        for step in steps:
            content = unlit(to_tensor(step.frame.pixels, self._device), step.light)
            if look is None or opening is None or (step.motion is None and self._settings.color != "style"):
                opening = content.contiguous()  # as it comes back from a file: sums depend on the order of numbers
                look = Look(self._settings, self._styles, opening)
            regions = tuple(to_plane(region, self._device) for region in step.regions)
            image, held = look.canvas(content), self._held(_earlier(step, previous, known))
            canvas = _Canvas(image, regions, look, None if held is None else held.drawn(image))
            walk = self._within_memory(canvas, rungs)
            previous = _Past(walk.image.clamp(0, 1), _ripened(canvas))
            known = _remembered(known, step, previous)
            yield _Worked(step, opening, content, canvas, previous, walk)

    def _again(self, worked: list[_Worked], state: State | None, rungs: list[Rung]) -> list[_Worked]:
        """The later passes, backward and forward in turn (multi-pass in Ruder et al. 2016).

        Each frame starts from its neighbours' results, moved along, and is held to these: to the one that the pass
        comes from, and where that does not see it, to the other; what neither sees starts from its own result. Ruder
        starts from the mean of the two, which takes more steps to be as steady. What went before the stretch stays.
        """
        before = None if state is None else state.known[state.previous]
        for number in range(1, self._settings.passes):
            way = 1 if number % 2 == 0 else -1
            for place in range(len(worked))[::way]:
                neighbours = _neighbours(worked, place, before)[::way]
                worked[place] = self._gone_over(worked[place], neighbours, rungs)
        return worked

    def _gone_over(self, worked: _Worked, neighbours: Sequence[Seen], rungs: list[Rung]) -> _Worked:
        held = self._held(neighbours)
        if held is None:
            return worked
        begin = torch.lerp(worked.past.image, held.image, held.mask)
        canvas = replace(worked.canvas, held=replace(held, start=begin, unseen=0.0))
        walk = self._within_memory(canvas, rungs)
        past = _Past(walk.image.clamp(0, 1), torch.maximum(_ripened(canvas), worked.past.ripeness))
        return replace(worked, canvas=canvas, past=past, walk=walk)

    def left_by(
        self, opening: Pixels, finished: Mapping[int, Pixels], previous: int, lights: Mapping[int, Light], first: Light
    ) -> State:
        """The state that finished pictures leave, as if they had just been made: ripe all over.

        Args:
            opening: (H, W, 3), the content of the frame that settled the look.
            finished: (H, W, 3) each, by their places in the source.
            previous: The place of the one that the next frame follows.
            lights: That the pictures are in, by their places.
            first: That `opening` is in.

        """
        content = unlit(to_tensor(opening, self._device), first).contiguous()
        look = Look(self._settings, self._styles, content)
        images = {
            at: look.canvas(unlit(to_tensor(pixels, self._device), lights[at])) for at, pixels in finished.items()
        }
        return State(content, previous, {at: _Past(i, torch.ones_like(i[:, :1])) for at, i in images.items()})

    def salience(self, pixels: Pixels) -> Plane:
        """What stands out in a frame (H, W, 3) by the network's activations: (H, W) float32 in [0, 1]."""
        content = to_tensor(pixels, self._device)
        look = Look(self._settings, self._styles, content)
        found = look.salience(self._ways[LADDER[0]], look.canvas(content))
        plane: Plane = resize(found, (content.shape[2], content.shape[3]))[0, 0].clamp(0, 1).cpu().numpy()
        return plane

    def _held(self, seen: Sequence[Seen]) -> _Held | None:
        """Results moved along, the first that can be trusted at each place."""
        if not seen:
            return None
        moved = [self._moved(past, motion) for past, motion in seen]
        nearest = moved[0][0]
        total, free = torch.zeros_like(nearest), torch.ones_like(nearest[:, :1])
        for picture, mask in moved:
            taken = torch.minimum(mask, free)
            total, free = total + taken * picture, free - taken
        merged, trusted = total + free * nearest, (1 - free).clamp(0, 1)
        image, ripeness = merged[:, :3], merged[:, 3:].clamp(0, 1)
        unseen = _unseen([motion for _, motion in seen])
        return _Held(image, trusted, ripeness, image, unseen, _speed(seen[0][1]))

    def _moved(self, past: _Past, motion: Motion) -> tuple[Tensor, Tensor]:
        """A result and its ripeness as this frame sees them, (1, 4, H, W), and where they can be trusted."""
        flow = to_field(motion.flow, self._device)
        return warp(torch.cat([past.image, past.ripeness], dim=1), flow), to_plane(motion.mask, self._device)

    def _within_memory(self, canvas: _Canvas, rungs: list[Rung]) -> Walk:
        """The frame, worked on as `rungs` begin; when the device is full, the first of them is dropped."""
        while True:
            try:
                if canvas.held is None:
                    return self._start(canvas, rungs[0])
                return self._follow(canvas, canvas.held, rungs[0])
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error) or len(rungs) == 1:
                    raise
            rungs.pop(0)
            self._tapes.forget()
            with RECORDING:
                torch.cuda.empty_cache()
            log.warning("the device is out of memory; going on with %s", rungs[0])

    def _start(self, canvas: _Canvas, rung: Rung) -> Walk:
        """From the chosen beginning, coarse to fine; each finer start has the beginning's finer detail laid over it."""
        longest = max(canvas.image.shape[2:])
        levels = fresh_levels(self._settings, longest)
        base = self._beginning(canvas)
        walk = Walk(base)
        change = self._grain(scaled_size(base, longest * levels[0].scale), base)
        for level in levels:
            size = scaled_size(base, longest * level.scale)
            laid = resize(base, size).clamp(0, 1)
            begin = Walk(laid + resize(change, size), moments=_resized(walk.moments, size))
            terms = self._terms(canvas, resize(canvas.image, size).clamp(0, 1), rung)
            walk = self._minimize(begin, terms, level, rung, fresh=True)
            change = walk.image - laid
        return walk

    def _beginning(self, canvas: _Canvas) -> Tensor:
        """What a fresh frame starts from, (1, 3, H, W)."""
        image, kind = canvas.image, self._settings.init
        if self._init is not None:
            return canvas.look.canvas(resize(self._init, (image.shape[2], image.shape[3])).clamp(0, 1))
        if kind == "content":
            return image
        noise = self._smooth_noise(image)
        if kind == "noise":
            return (0.5 + NOISE * noise).clamp(0, 1)
        colors = torch.cat([style.image.flatten(2)[0] for style in canvas.look.styles], dim=1)
        drawn = matrix_root(torch.cov(colors)) @ noise.flatten(2)[0] + colors.mean(1, keepdim=True)
        return drawn.reshape(image.shape).clamp(0, 1)

    def _smooth_noise(self, image: Tensor) -> Tensor:
        """Noise without fine detail, of deviation 1: what fine noise leaves behind, the style would not remove."""
        noise = self._noise(resize(image, scaled_size(image, max(image.shape[2:]) * COARSEST)))
        enlarged = resize(noise, (image.shape[2], image.shape[3]))
        return enlarged / enlarged.std()

    def _grain(self, size: tuple[int, int], like: Tensor) -> Tensor:
        """Faint noise, the same at every fresh start: another seed lays the strokes another way."""
        strength = GRAIN if self._settings.first_iterations else 0.0
        return strength * self._noise(resize(like, size))

    def _noise(self, image: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(self._settings.seed)
        return torch.randn(image.shape, generator=generator).to(image.device)

    def _follow(self, canvas: _Canvas, held: _Held, rung: Rung) -> Walk:
        """From earlier results, moved along; held to them where they are trusted, made anew at half size elsewhere."""
        start = held.start
        for level in following_levels(self._settings, max(start.shape[2:]), held.unseen, held.speed):
            size = scaled_size(canvas.image, max(start.shape[2:]) * level.scale)
            terms = self._terms(canvas, resize(canvas.image, size).clamp(0, 1), rung)
            if self._settings.temporal_weight:
                terms.append(held.term(size, self._settings.temporal_weight))
            begin = resize(start, size)
            walk = self._minimize(Walk(begin), terms, level, rung, fresh=False)
            if level.scale == 1:
                return walk
            change = resize(walk.image - begin, (start.shape[2], start.shape[3]))
            start = start + (1 - held.mask) * change
        raise AssertionError("the last level is the frame's own size")

    def _terms(self, canvas: _Canvas, target: Tensor, rung: Rung) -> list[Term]:
        return canvas.look.terms(self._ways[rung], target, canvas.regions)

    def _minimize(self, start: Walk, terms: Sequence[Term], level: Level, rung: Rung, *, fresh: bool) -> Walk:
        s, taken = self._settings, 0
        objective = Objective(self._ways[rung], terms)

        def on_step(walk: Walk) -> None:
            nonlocal taken
            taken += 1
            self._on_work(level.cost)
            if fresh and s.report and (level.begun + taken) % s.report == 0:
                losses = ", ".join(f"{name} {float(loss):.6g}" for name, loss in walk.losses.items())
                log.info("step %d of %d: %s", level.begun + taken, level.total, losses)

        walk = minimize(
            start,
            lambda image, done: objective(image, level.progress(done)),
            iterations=level.iterations,
            optimizer=rung.optimizer or s.optimizer,
            averaging=s.averaging,
            tolerance=s.tolerance,
            stiffness=objective.stiffness,
            prior=FAR if fresh or level.scale < 1 else NEAR,
            on_step=on_step,
            steps=self._tapes.steps_down(objective),
        )
        self._on_work(level.cost * (level.iterations - taken))
        return walk


def _earlier(step: Step, previous: _Past | None, known: Mapping[int, _Past]) -> list[Seen]:
    """The previous result, and older ones for where that cannot be trusted."""
    nearest = [] if step.motion is None or previous is None else [(previous, step.motion)]
    return nearest + [(known[recall.index], recall.motion) for recall in step.recalls if recall.index in known]


def _neighbours(worked: Sequence[_Worked], place: int, before: _Past | None) -> list[Seen]:
    """The results on either side of a frame, where no cut is between: the earlier one first."""
    earlier = worked[place - 1].past if place else before
    there = _earlier(replace(worked[place].step, recalls=()), earlier, {})
    later = worked[place + 1] if place + 1 < len(worked) else None
    return there + ([] if later is None or later.step.back is None else [(later.past, later.step.back)])


def _remembered(known: Mapping[int, _Past], step: Step, past: _Past) -> dict[int, _Past]:
    """What later frames may need, now that a step has been made."""
    return {at: older for at, older in known.items() if at in step.kept} | {step.frame.index: past}


def _broad(image: Tensor, around: int = AROUND) -> Tensor:
    """The areas of color of an image, (1, C, H, W), without what is drawn in them."""
    longest = max(image.shape[2:])
    even = resize(image, scaled_size(image, min(BROAD, longest)))
    for _ in range(2):
        even = F.avg_pool2d(even, 2 * around + 1, 1, around, count_include_pad=False)
    return resize(even, (image.shape[2], image.shape[3]))


def _contrast(detail: Tensor) -> Tensor:
    """Close around each place, of what is left without areas of color: (1, 1, H, W)."""
    mean, square = _broad(detail, 1), _broad(detail.square(), 1)
    return (square - mean.square()).mean(1, keepdim=True).clamp(min=0).sqrt()


def _speed(motion: Motion) -> float:
    return float(np.hypot(motion.flow[..., 0], motion.flow[..., 1]).mean())


def _unseen(motions: Sequence[Motion]) -> float:
    """The share of a frame that none of these can be trusted for, worked out where the motions are: on the CPU."""
    trusted = torch.stack([to_plane(motion.mask) for motion in motions]).sum(0)
    return float(1 - trusted.clamp(0, 1).mean())


def _ripened(canvas: _Canvas) -> Tensor:
    """How ripe a finished frame is: all of a fresh one; of one that follows, what it was held to and a bit more."""
    if canvas.held is None:
        return torch.ones_like(canvas.image[:, :1])
    return (canvas.held.mask * (canvas.held.ripeness + RIPENING)).clamp(0, 1)


def _one_each(values: tuple[float, ...], number: int) -> float:
    return values[number] if len(values) > 1 else values[0]


def _resized(moments: Moments | None, size: tuple[int, int]) -> Moments | None:
    """Adam's moments at another size, as crowsonkb/style-transfer-pytorch carries them from scale to scale."""
    if moments is None:
        return None
    return replace(moments, mean=resize(moments.mean, size), square=resize(moments.square, size).clamp(min=0))
