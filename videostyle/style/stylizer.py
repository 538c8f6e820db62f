"""One frame after another: a fresh start, then each from where the last one went."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from videostyle.frames import Fade, Pixels, Plane, TrackedFrame
from videostyle.settings import Settings
from videostyle.style.cuda_graph import CAPTURE_LOCK, GraphCache, recorder
from videostyle.style.fade import apply_fade, remove_fade
from videostyle.style.features.vgg import VGG19
from videostyle.style.objective.look import Look, Style
from videostyle.style.objective.losses import matrix_root
from videostyle.style.objective.terms import Objective, Term
from videostyle.style.optimize.iterate import Iterate, Moments
from videostyle.style.optimize.lbfgs import FRESH_PRIOR, WARM_PRIOR
from videostyle.style.optimize.minimize import minimize
from videostyle.style.optimize.schedule import Level, following_levels, fresh_levels
from videostyle.style.pixels import mask_to_tensor, resize, scaled_size, to_tensor
from videostyle.style.state import FrameState, State
from videostyle.style.stylized import StylizedFrame, in_flight
from videostyle.style.temporal import Seen, TemporalTarget, fresh_state
from videostyle.style.tiling import FALLBACKS, MemoryMode, Tiled, is_out_of_memory

log = logging.getLogger(__name__)

NOISE_STD = 0.01  # deviation of the noise that a fresh start begins with, in [0, 1] pixel values
NOISE = 0.15  # the same, of a start from noise alone
LEAST_LIGHT = 0.5  # of full light: in less, the steps between levels are drawn as well
COARSEST = 0.25  # of a frame's size, at which that noise is drawn

Work = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class FrameProblem:
    """A frame as it is worked on: the picture, where each style goes, and what earlier results say of it."""

    image: Tensor
    regions: tuple[Tensor, ...]
    look: Look
    held: TemporalTarget | None

    def next_state(self, image: Tensor) -> FrameState:
        """Return what the finished picture, (1, 3, H, W), leaves to later frames."""
        made = image.clamp(0, 1)
        return fresh_state(made, self.image) if self.held is None else self.held.next_state(made, self.image)


@dataclass(frozen=True, eq=False)
class _Worked:
    """A frame of a stretch, as far as it has been made."""

    step: TrackedFrame
    opening: Tensor
    content: Tensor
    canvas: FrameProblem
    past: FrameState
    walk: Iterate


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
        self._ways = {mode: Tiled(network, mode.tile) if mode.tile else network for mode in FALLBACKS}
        style_of = Style if settings.normalization == "none" else Style.of_painting
        self._styles = [
            style_of(
                to_tensor(style, device),
                _one_each(settings.style_scale, number),
                _one_each(settings.style_mix, number),
                mask_to_tensor(masks[number], device) if masks else None,
            )
            for number, style in enumerate(styles)
        ]
        self._init = None if init is None else to_tensor(init, device)
        waits = settings.style_loss == "wasserstein"  # its eigenvalues are looked at by the CPU
        self._graphs = GraphCache(None if waits else recorder(device))

    def stylize(self, steps: Iterable[TrackedFrame], state: State | None = None) -> Iterator[StylizedFrame]:
        """Yield each step's frame restyled. What one frame leaves to the next stays float, never 8 bit.

        With more than one pass all steps are taken and held before the first is yielded: give a stretch at a time.

        Args:
            steps: In order.
            state: What the frame before the first step left, where one went before.

        """
        modes = list(FALLBACKS)
        made = self._forward(steps, state, modes)
        if self._settings.passes > 1:
            made = iter(self._refine_passes(list(made), state, modes))
        known = {} if state is None else state.known
        for worked in made:
            known = _retain(known, worked.step, worked.past)
            canvas = worked.canvas
            finished = canvas.look.finished(worked.past.image, worked.content, canvas.regions)
            left = State(worked.opening, worked.step.frame.index, known)
            yield in_flight(worked.step.frame, apply_fade(finished, worked.step.fade), worked.walk, left)

    def _forward(
        self, steps: Iterable[TrackedFrame], state: State | None, modes: list[MemoryMode]
    ) -> Iterator[_Worked]:
        """The first pass: each frame from those before it."""
        known = {} if state is None else state.known  # the previous frame and those that may be recalled
        previous = None if state is None else state.known[state.previous]
        opening = None if state is None else state.opening
        look = None if opening is None else Look(self._settings, self._styles, opening)
        for step in steps:
            content = remove_fade(to_tensor(step.frame.pixels, self._device), step.fade)
            if look is None or opening is None or (step.motion is None and self._settings.color != "style"):
                opening = content.contiguous()  # as it comes back from a file: sums depend on the order of numbers
                look = Look(self._settings, self._styles, opening)
            regions = tuple(mask_to_tensor(region, self._device) for region in step.regions)
            image = look.canvas(content)
            held = TemporalTarget.of(_earlier(step, previous, known), image)
            if held is not None:
                held = held.renewed(image, lit=_has_light(step)).begun(image)
            canvas = FrameProblem(image, regions, look, held)
            walk = self._within_memory(canvas, modes)
            previous = canvas.next_state(walk.image)
            known = _retain(known, step, previous)
            yield _Worked(step, opening, content, canvas, previous, walk)

    def _refine_passes(self, worked: list[_Worked], state: State | None, modes: list[MemoryMode]) -> list[_Worked]:
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
                worked[place] = self._refine_frame(worked[place], neighbours, modes)
        return worked

    def _refine_frame(self, worked: _Worked, neighbours: Sequence[Seen], modes: list[MemoryMode]) -> _Worked:
        held = TemporalTarget.of(neighbours, worked.canvas.image)
        if held is None:
            return worked
        held = held.renewed(worked.canvas.image, lit=_has_light(worked.step))
        begin = torch.lerp(worked.past.image, held.image, held.mask)
        canvas = replace(worked.canvas, held=replace(held, start=begin, disoccluded=0.0))
        walk = self._within_memory(canvas, modes)
        past = canvas.next_state(walk.image)
        riper = replace(past, confidence=torch.maximum(past.confidence, worked.past.confidence))
        return replace(worked, canvas=canvas, past=riper, walk=walk)

    def state_from_frames(
        self, opening: Pixels, finished: Mapping[int, Pixels], previous: int, fades: Mapping[int, Fade], first: Fade
    ) -> State:
        """The state that finished pictures leave, as if they had just been made: ripe all over.

        Args:
            opening: (H, W, 3), the content of the frame that settled the look.
            finished: (H, W, 3) each, by their places in the source.
            previous: The place of the one that the next frame follows.
            fades: That the pictures are in, by their places.
            first: That `opening` is in.

        """
        content = remove_fade(to_tensor(opening, self._device), first).contiguous()
        look = Look(self._settings, self._styles, content)
        images = {
            at: look.canvas(remove_fade(to_tensor(pixels, self._device), fades[at])) for at, pixels in finished.items()
        }
        return State(
            content, previous, {at: FrameState(i, torch.ones_like(i[:, :1]), None) for at, i in images.items()}
        )

    def salience(self, pixels: Pixels) -> Plane:
        """What stands out in a frame (H, W, 3) by the network's activations: (H, W) float32 in [0, 1]."""
        content = to_tensor(pixels, self._device)
        look = Look(self._settings, self._styles, content)
        found = look.salience(self._ways[FALLBACKS[0]], look.canvas(content))
        plane: Plane = resize(found, (content.shape[2], content.shape[3]))[0, 0].clamp(0, 1).cpu().numpy()
        return plane

    def _within_memory(self, canvas: FrameProblem, modes: list[MemoryMode]) -> Iterate:
        """The frame, worked on as `modes` begin; when the device is full, the first of them is dropped."""
        while True:
            try:
                if canvas.held is None:
                    return self._start(canvas, modes[0])
                return self._follow(canvas, canvas.held, modes[0])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or len(modes) == 1:
                    raise
            modes.pop(0)
            self._graphs.forget()
            with CAPTURE_LOCK:
                torch.cuda.empty_cache()
            log.warning("the device is out of memory; going on with %s", modes[0])

    def _start(self, canvas: FrameProblem, mode: MemoryMode) -> Iterate:
        """From the chosen beginning, coarse to fine; each finer start has the beginning's finer detail laid over it."""
        longest = max(canvas.image.shape[2:])
        levels = fresh_levels(self._settings, longest)
        base = self._beginning(canvas)
        walk = Iterate(base)
        change = self._grain(scaled_size(base, longest * levels[0].scale), base)
        for level in levels:
            size = scaled_size(base, longest * level.scale)
            laid = resize(base, size).clamp(0, 1)
            begin = Iterate(laid + resize(change, size), moments=_resized(walk.moments, size))
            terms = self._terms(canvas, resize(canvas.image, size).clamp(0, 1), mode)
            walk = self._minimize(begin, terms, level, mode, fresh=True)
            change = walk.image - laid
        return walk

    def _beginning(self, canvas: FrameProblem) -> Tensor:
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
        """Faint noise, the same at every fresh start, where another seed lays other strokes; the article has none."""
        s = self._settings
        deviation = NOISE_STD * s.strength if s.first_iterations and s.normalization != "none" else 0.0
        return deviation * self._noise(resize(like, size))

    def _noise(self, image: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(self._settings.seed)
        return torch.randn(image.shape, generator=generator).to(image.device)

    def _follow(self, canvas: FrameProblem, held: TemporalTarget, mode: MemoryMode) -> Iterate:
        """From earlier results, moved along; held to them where they are trusted, made anew at half size elsewhere."""
        start = held.start
        for level in following_levels(self._settings, max(start.shape[2:]), held.disoccluded, held.speed):
            size = scaled_size(canvas.image, max(start.shape[2:]) * level.scale)
            terms = self._terms(canvas, resize(canvas.image, size).clamp(0, 1), mode)
            if self._settings.temporal_weight:
                terms.append(held.term(size, self._settings.temporal_weight))
            begin = resize(start, size)
            walk = self._minimize(Iterate(begin), terms, level, mode, fresh=False)
            if level.scale == 1:
                return walk
            change = resize(walk.image - begin, (start.shape[2], start.shape[3]))
            start = start + (1 - held.mask) * change
        raise AssertionError("the last level is the frame's own size")

    def _terms(self, canvas: FrameProblem, target: Tensor, mode: MemoryMode) -> list[Term]:
        return canvas.look.terms(self._ways[mode], target, canvas.regions)

    def _minimize(
        self, start: Iterate, terms: Sequence[Term], level: Level, mode: MemoryMode, *, fresh: bool
    ) -> Iterate:
        s, taken = self._settings, 0
        objective = Objective(self._ways[mode], terms)

        def on_step(walk: Iterate) -> None:
            nonlocal taken
            taken += 1
            self._on_work(level.cost)
            if fresh and s.log_every and (level.begun + taken) % s.log_every == 0:
                losses = ", ".join(f"{name} {float(loss):.6g}" for name, loss in walk.losses.items())
                log.info("step %d of %d: %s", level.begun + taken, level.total, losses)

        walk = minimize(
            start,
            lambda image, done: objective(image, level.progress(done)),
            iterations=level.iterations,
            optimizer=mode.optimizer or s.optimizer,
            ema_decay=s.ema_decay,
            tolerance=s.tolerance,
            hessian_diagonal=objective.hessian_diagonal,
            prior=FRESH_PRIOR if fresh or level.scale < 1 else WARM_PRIOR,
            check_end=fresh and not s.ema_decay,
            on_step=on_step,
            steps=self._graphs.stepper(objective),
        )
        self._on_work(level.cost * (level.iterations - taken))
        return walk


def _has_light(step: TrackedFrame) -> bool:
    """Whether a frame has faded so little that its drawing can be told."""
    return step.fade.to_black * step.fade.to_white > LEAST_LIGHT


def _earlier(step: TrackedFrame, previous: FrameState | None, known: Mapping[int, FrameState]) -> list[Seen]:
    """The previous result, and older ones for where that cannot be trusted; of another shot only those as large.

    What lies between the bars of another shot may have another size.
    """
    nearest = [] if step.motion is None or previous is None else [(previous, step.motion)]
    recalled = [(known[recall.index], recall.motion) for recall in step.references if recall.index in known]
    size = step.frame.pixels.shape[:2]
    return nearest + [(past, motion) for past, motion in recalled if past.image.shape[2:] == size]


def _neighbours(worked: Sequence[_Worked], place: int, before: FrameState | None) -> list[Seen]:
    """The results on either side of a frame, where no cut is between: the earlier one first."""
    earlier = worked[place - 1].past if place else before
    there = _earlier(replace(worked[place].step, references=()), earlier, {})
    later = worked[place + 1] if place + 1 < len(worked) else None
    return there + (
        [] if later is None or later.step.forward_motion is None else [(later.past, later.step.forward_motion)]
    )


def _retain(known: Mapping[int, FrameState], step: TrackedFrame, past: FrameState) -> dict[int, FrameState]:
    """What later frames may need, now that a step has been made."""
    return {at: older for at, older in known.items() if at in step.retained} | {step.frame.index: past}


def _one_each(values: tuple[float, ...], number: int) -> float:
    return values[number] if len(values) > 1 else values[0]


def _resized(moments: Moments | None, size: tuple[int, int]) -> Moments | None:
    """Adam's moments at another size, as crowsonkb/style-transfer-pytorch carries them from scale to scale."""
    if moments is None:
        return None
    return replace(moments, mean=resize(moments.mean, size), square=resize(moments.square, size).clamp(min=0))
