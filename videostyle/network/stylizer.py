"""One frame after another by a trained network: a pass, and a filter along the motion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import torch
from torch import Tensor

from videostyle.frames import Fade, Pixels, TrackedFrame
from videostyle.network.file import LookHeader
from videostyle.network.net import StyleNetwork
from videostyle.network.noise import moved_displacement, no_displacement, noise_tile, sampled
from videostyle.settings import Settings
from videostyle.style.fade import apply_fade, remove_fade
from videostyle.style.objective import palette
from videostyle.style.optimize.iterate import Iterate
from videostyle.style.pixels import flow_to_tensor, mask_to_tensor, to_tensor
from videostyle.style.state import FrameState, State
from videostyle.style.stylized import StylizedFrame, in_flight
from videostyle.style.warp import warp

STEADINESS = 0.7  # share of the last result, moved along, in a place that was seen for long
NEW = 0.5  # the same in a place that was seen once


class NetworkStylizer:
    """Restyles steps by a network, with the interface of `style.stylizer.Stylizer`.

    Args:
        settings: How; of the look, its strength alone.
        network: Folded, on the device to work on.
        header: What its file says.
        device: Where it is.
        on_work: Told after every frame that a step's worth is done.

    """

    def __init__(
        self,
        settings: Settings,
        network: StyleNetwork,
        header: LookHeader,
        device: torch.device,
        on_work: Callable[[float], None] = lambda work: None,
    ) -> None:
        self._network, self._device, self._on_work = network, device, on_work
        self._strength, self._keeps_colors = settings.strength, header.settings.get("color") == "content"
        self._tile = noise_tile(header.size, header.seed).to(device)

    def stylize(self, steps: Iterable[TrackedFrame], state: State | None = None) -> Iterator[StylizedFrame]:
        """Yield each step's frame restyled; what one frame leaves to the next stays float.

        Args:
            steps: In order.
            state: What the frame before the first step left, where one went before.

        """
        previous = None if state is None else state.known[state.previous]
        opening = None if state is None else state.opening
        for step in steps:
            content = remove_fade(to_tensor(step.frame.pixels, self._device), step.fade)
            opening = content.contiguous() if opening is None else opening
            previous = self._painted(content, step, previous)
            self._on_work(1.0)
            shown = torch.lerp(content, self._colored(previous.image, content), self._strength)
            left = State(opening, step.frame.index, {step.frame.index: previous})
            yield in_flight(step.frame, apply_fade(shown, step.fade), Iterate(shown), left)

    @torch.no_grad()
    def _painted(self, content: Tensor, step: TrackedFrame, previous: FrameState | None) -> FrameState:
        """Return a frame as the network paints it, averaged with the last one where that can be trusted.

        A place that was seen n times counts as the mean of all of them, and later as a mean that forgets.
        """
        canvas = palette.gray(content) if self._keeps_colors else content
        if step.motion is None or previous is None or previous.image.shape != content.shape:
            displacement = no_displacement(content)
            image = self._network(canvas, sampled(self._tile, displacement)).clamp(0, 1)
            return FrameState(image, torch.full_like(image[:, :1], NEW), None, displacement)
        flow = flow_to_tensor(step.motion.flow, self._device)
        before = no_displacement(content) if previous.displacement is None else previous.displacement
        displacement = moved_displacement(before, flow)
        moved = warp(torch.cat([previous.image, previous.confidence], 1), flow).clamp(0, 1)
        kept = mask_to_tensor(step.motion.mask, self._device) * moved[:, 3:]
        image = self._network(canvas, sampled(self._tile, displacement))
        image = torch.lerp(image, moved[:, :3], kept).clamp(0, 1)
        return FrameState(image, (1 / (2 - kept)).clamp(max=STEADINESS), None, displacement)

    def _colored(self, image: Tensor, content: Tensor) -> Tensor:
        return palette.recolored(image, content) if self._keeps_colors else image

    def state_from_frames(
        self, opening: Pixels, finished: Mapping[int, Pixels], previous: int, fades: Mapping[int, Fade], first: Fade
    ) -> State:
        """Return the state that finished pictures leave, as `Stylizer.state_from_frames` does."""
        content = remove_fade(to_tensor(opening, self._device), first).contiguous()
        images = {at: remove_fade(to_tensor(pixels, self._device), fades[at]) for at, pixels in finished.items()}
        known = {at: FrameState(image, torch.full_like(image[:, :1], STEADINESS), None) for at, image in images.items()}
        return State(content, previous, known)
