"""Recorded steps are the steps themselves. Without a GPU, the recording is one that takes them again."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from tests.helpers import media
from tests.test_stylizer import SETTINGS, run
from videostyle.style import cuda_graph, stylizer
from videostyle.style.cuda_graph import GraphCache, copied, copy_into, recorder, signature, tensors
from videostyle.style.objective.terms import Objective, RangeTerm, TemporalTerm
from videostyle.style.optimize.iterate import Iterate
from videostyle.style.optimize.minimize import eager_steps, minimize
from videostyle.style.tiling import Tiled

CPU = torch.device("cpu")


class Recorder:
    """Warms up as a GPU would, and then repeats the step in place, what it returns as well."""

    def __init__(self):
        self.recorded = 0

    def __call__(self, step):
        self.recorded += 1
        for _ in range(cuda_graph.WARM_UP):
            step()
        walk = step()

        def repeat():
            copy_into(walk, step())
            return walk

        return repeat


def broken(step):
    step()
    raise RuntimeError("operation not permitted when stream is capturing\nand much more")


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_recorded_steps_make_the_same_frames(network, monkeypatch, optimizer):
    settings = SETTINGS.override(optimizer=optimizer, first_iterations=8, ema_decay=0.5)
    images = [*media.panning(4), *media.panning(3, seed=9)]
    plain, record = run(network, images, settings), Recorder()
    monkeypatch.setattr(stylizer, "recorder", lambda device: record)
    recorded = run(network, images, settings)
    for a, b in zip(plain, recorded, strict=True):
        assert np.array_equal(a.frame.pixels, b.frame.pixels)
        assert a.losses == b.losses
        assert torch.equal(a.state.known[a.state.previous].image, b.state.known[b.state.previous].image)
    assert 0 < record.recorded < 5  # not of each frame


def network_of_nothing(image, names):
    return {}


def held(seed, size=(12, 16), weight=3.0, **how):
    generator = torch.Generator().manual_seed(seed)
    image, mask = torch.rand(1, 3, *size, generator=generator), torch.rand(1, 1, *size, generator=generator)
    return Objective(
        network_of_nothing, [TemporalTerm(warped=image, mask=mask, weight=weight, **how), RangeTerm(weight=1.0)]
    )


def walked(graphs, objective, start, iterations=6):
    steps = graphs.stepper(objective)
    return minimize(
        Iterate(start), objective, iterations=iterations, hessian_diagonal=objective.hessian_diagonal, steps=steps
    )


def test_one_recording_serves_all_of_one_outline():
    record = Recorder()
    graphs, plain = GraphCache(record), GraphCache(None)
    for seed in range(4):
        start = torch.rand(1, 3, 12, 16)
        found, expected = (walked(t, held(seed), start) for t in (graphs, plain))
        assert torch.equal(found.image, expected.image)
    assert record.recorded == 1
    for other in (held(0, size=(12, 18)), held(0, weight=4.0)):
        start = torch.rand_like(other.terms[0].warped)
        for _ in range(2):
            walked(graphs, other, start)
    assert record.recorded == 3


def test_an_outline_that_comes_once_is_recorded_for_many_steps_alone():
    record = Recorder()
    graphs = GraphCache(record)
    for weight in range(1, 9):  # as a mask that moves has another area in each frame
        walked(graphs, held(0, weight=float(weight)), torch.rand(1, 3, 12, 16))
    assert record.recorded == 0
    walked(graphs, held(0), torch.rand(1, 3, 12, 16), cuda_graph.MANY)
    assert record.recorded == 1


def test_only_the_latest_recordings_are_kept():
    record = Recorder()
    graphs = GraphCache(record)
    for weight in (1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 1.0):
        walked(graphs, held(0, weight=weight), torch.rand(1, 3, 12, 16), cuda_graph.MANY)
    assert record.recorded == 6


def test_what_was_found_is_not_overwritten_by_the_next_frame():
    graphs = GraphCache(Recorder())
    first = walked(graphs, held(0), torch.rand(1, 3, 12, 16), cuda_graph.MANY)
    kept = copied(first)
    walked(graphs, held(1), torch.rand(1, 3, 12, 16))
    assert all(torch.equal(a, b) for a, b in zip(tensors(first), tensors(kept), strict=True))


def test_steps_that_are_not_alike_or_too_large_are_not_recorded(monkeypatch):
    graphs, start = GraphCache(Recorder()), torch.rand(1, 3, 12, 16)
    tiled = Objective(Tiled(network_of_nothing, 64), held(0).terms)
    assert graphs.stepper(tiled) is eager_steps
    assert graphs.stepper(held(0, decay=0.5)) is eager_steps
    monkeypatch.setattr(cuda_graph, "LARGEST", 100)
    walked(graphs, held(0), start, cuda_graph.MANY)
    assert graphs._record.recorded == 0


def test_where_recording_fails_the_steps_are_taken_one_by_one(caplog):
    start = torch.rand(1, 3, 12, 16)
    graphs = GraphCache(broken)
    for seed in range(2):
        found, expected = (walked(t, held(seed), start, cuda_graph.MANY) for t in (graphs, GraphCache(None)))
        assert torch.equal(found.image, expected.image)
    (notice,) = [record.message for record in caplog.records]
    assert "when stream is capturing" in notice
    assert "\n" not in notice


def test_a_cpu_records_nothing():
    assert recorder(CPU) is None


@dataclass(frozen=True)
class Leaf:
    value: torch.Tensor
    name: str = "a"


def test_a_copy_has_the_outline_and_no_tensor_of_what_it_was_copied_from():
    tree = {"one": [Leaf(torch.rand(2)), (torch.rand(3), 1.5)], "two": Leaf(torch.rand(1), "b")}
    other = copied(tree)
    assert signature(other) == signature(tree)
    assert len(list(tensors(tree))) == 3
    assert not {id(t) for t in tensors(tree)} & {id(t) for t in tensors(other)}
    for tensor in tensors(other):
        tensor.zero_()
    assert all(t.any() for t in tensors(tree))
    copy_into(other, tree)
    assert all(torch.equal(a, b) for a, b in zip(tensors(other), tensors(tree), strict=True))
    assert signature(Leaf(torch.rand(2))) != signature(Leaf(torch.rand(3)))
    assert signature(Leaf(torch.rand(2))) != signature(Leaf(torch.rand(2), "b"))
