"""One step of an optimizer, recorded once as a CUDA graph and repeated: small frames do not wait for their launches.

A recording reads and writes tensors that stay where they are. So a walker and its objective are copied once, the step
is recorded on the copies, and whatever comes later with the same outline has its values laid over theirs.
"""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, partial
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from videostyle.style.objective.terms import Objective
from videostyle.style.optimize.iterate import Iterate, OptimizerState
from videostyle.style.optimize.minimize import Steps, eager_steps
from videostyle.style.tiling import Tiled

log = logging.getLogger(__name__)

KEPT = 4  # recordings: of a fresh frame and of one that follows, each at two sizes
LARGEST = 1 << 21  # pixels; a larger frame keeps the device busy anyway, and has a better use for the memory
MANY = 30  # steps that are worth a recording at once; fewer are when their outline comes a second time
WARM_UP = 3  # steps before a recording, in which libraries choose their kernels and take their workspace

CAPTURE_LOCK = Lock()  # one thread at a time

Advance = Callable[[], Iterate]
Record = Callable[[Advance], Advance]


def recorder(device: torch.device) -> Record | None:
    """How `device` records a step; None where it cannot."""
    if device.type != "cuda":
        return None
    return partial(as_cuda_graph, device=device, pool=torch.cuda.graph_pool_handle())


def as_cuda_graph(step: Advance, device: torch.device, pool: Any) -> Advance:
    """Record what `step` gives a device to do; what it returns is overwritten by each repetition.

    Source: PyTorch's notes on CUDA graphs. Recordings are made on a stream of their own, where some steps were taken
    before. Other threads may use the device meanwhile. Recordings share the memory of what they do not keep.
    """
    with CAPTURE_LOCK, torch.cuda.device(device):
        stream, graph = _side_stream(torch.cuda.current_device()), torch.cuda.CUDAGraph()
        stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP):
                    step()
                with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
                    walk = step()
        finally:
            torch.cuda.current_stream().wait_stream(stream)

    def repeat() -> Iterate:
        graph.replay()
        return walk

    return repeat


@cache
def _side_stream(index: int) -> torch.cuda.Stream:
    """Where a device's recordings are made: of a priority that no thread's own stream has, so that none is the same."""
    stream: torch.cuda.Stream = torch.cuda.Stream(index, priority=-1)  # type: ignore[no-untyped-call]
    return stream


@dataclass(frozen=True, eq=False)
class CapturedStep:
    """A recorded step, and the walker and objective that it works on."""

    walker: OptimizerState
    objective: Objective
    repeat: Advance

    @classmethod
    def of(cls, walker: OptimizerState, objective: Objective, record: Record) -> CapturedStep:
        own: OptimizerState = copied(walker)
        aim: Objective = copied(objective)

        def step() -> Iterate:
            after, walk = own.advance(aim, 0.0)
            copy_into(own, after)
            return walk

        return cls(own, aim, record(step))


class GraphCache:
    """The latest recordings of one thread on one device.

    Args:
        record: How a step is recorded; None takes every step as it comes.

    """

    def __init__(self, record: Record | None) -> None:
        self._record = record
        self._graphs: OrderedDict[Hashable, CapturedStep] = OrderedDict()
        self._seen: deque[Hashable] = deque(maxlen=2 * KEPT)

    def stepper(self, objective: Objective) -> Steps:
        """How to take steps down `objective`: repeated, where each is the same and the device allows it."""
        steady = all(term.decay == 0 for term in objective.terms)
        if self._record is None or not steady or isinstance(objective.network, Tiled):
            return eager_steps

        def steps(walker: OptimizerState, asked: Callable[..., Any], iterations: int) -> Iterator[Iterate]:
            captured = self._captured(walker, objective, iterations)
            if captured is None:
                yield from eager_steps(walker, asked, iterations)
                return
            copy_into((captured.walker, captured.objective), (walker, objective))
            for _ in range(iterations):
                yield captured.repeat()

        return steps

    def _captured(self, walker: OptimizerState, objective: Objective, iterations: int) -> CapturedStep | None:
        """The recording for what has this outline, made if that is worth it; None where there is none."""
        if self._record is None or walker.image[0, 0].numel() > LARGEST:
            return None
        key = signature((walker, objective))
        if key not in self._graphs and key not in self._seen and iterations < MANY:
            self._seen.append(key)
            return None
        try:
            captured = self._graphs.pop(key, None) or CapturedStep.of(walker, objective, self._record)
        except RuntimeError as error:
            self._give_up(error)
            return None
        self._graphs[key] = captured
        if len(self._graphs) > KEPT:
            self._graphs.popitem(last=False)
        return captured

    def forget(self) -> None:
        """Give the memory of all recordings back."""
        self._graphs.clear()
        self._seen.clear()

    def _give_up(self, error: RuntimeError) -> None:
        self._record = None
        self.forget()
        reason = str(error).partition("\n")[0]
        log.warning("the device cannot record steps, and is given each of them anew: %s", reason)


def tensors(tree: object) -> Iterator[Tensor]:
    """All tensors in dataclasses, mappings, lists and tuples, in order."""
    if isinstance(tree, Tensor):
        yield tree
    for part in _parts(tree) or ():
        yield from tensors(part)


def signature(tree: object) -> Hashable:
    """All of a tree but its tensors' values; what is neither tensor nor tree counts as it is, functions by identity."""
    if isinstance(tree, Tensor):
        return tree.shape, tree.stride(), tree.dtype, tree.device
    parts = _parts(tree)
    if parts is None:
        return tree
    keys = tuple(tree) if isinstance(tree, Mapping) else ()
    return type(tree), keys, tuple(signature(part) for part in parts)


def copy_into(tree: object, values: object) -> None:
    """Copy the tensors of one tree over those of another with the same outline."""
    for tensor, value in zip(tensors(tree), tensors(values), strict=True):
        if tensor is not value:
            tensor.copy_(value)


def copied(tree: Any) -> Any:
    """The same tree with tensors of its own."""
    if isinstance(tree, Tensor):
        return tree.clone()
    if isinstance(tree, Mapping):
        return {key: copied(part) for key, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(copied(part) for part in tree)
    if is_dataclass(tree) and not isinstance(tree, type):
        return replace(tree, **{f.name: copied(getattr(tree, f.name)) for f in fields(tree) if f.init})
    return tree


def _parts(tree: object) -> list[object] | None:
    """What a tree consists of; None where it is none."""
    if isinstance(tree, Mapping):
        return list(tree.values())
    if isinstance(tree, (list, tuple)) and not isinstance(tree, torch.Size):
        return list(tree)
    if is_dataclass(tree) and not isinstance(tree, type):
        return [getattr(tree, f.name) for f in fields(tree)]
    return None
