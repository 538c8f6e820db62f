"""How long a job will take."""

import json

import pytest

from tests.helpers.jobs import STYLED, planned
from videostyle.render import estimate
from videostyle.render.engine import load_engines


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(estimate, "user_cache_path", lambda name: tmp_path / "cache")
    return tmp_path / "cache" / "speed.json"


def test_a_rate_is_tried_once_and_remembered(clip, style, tmp_path, own_cache, monkeypatch):
    plan = planned(clip, style, tmp_path / "out.mkv", STYLED.override(device="cpu"))
    (engine,) = load_engines(plan.settings)
    assert estimate.known_rate(engine) is None
    tried = estimate.estimate_seconds(plan, [engine])
    assert tried > 0
    assert len(json.loads(own_cache.read_text())) == 1
    monkeypatch.setattr(estimate, "measure_rate", lambda *_: pytest.fail("it is known"))
    assert estimate.estimate_seconds(plan, [engine]) == pytest.approx(tried)
    estimate.note_rate(engine, 1e-6)
    assert estimate.estimate_seconds(plan, [engine]) == pytest.approx(plan.work * 64 * 48 * 1e-6)
    assert estimate.estimate_seconds(plan, [engine, engine]) == pytest.approx(plan.work * 64 * 48 * 1e-6 / 2)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": "y"}', "\x00"])
def test_a_damaged_memory_is_no_memory(clip, style, tmp_path, own_cache, content):
    plan = planned(clip, style, tmp_path / "out.mkv", STYLED.override(device="cpu"))
    (engine,) = load_engines(plan.settings)
    own_cache.parent.mkdir()
    own_cache.write_text(content)
    assert estimate.known_rate(engine) is None
    estimate.note_rate(engine, 2.0)
    assert estimate.known_rate(engine) == 2.0


def test_what_takes_no_steps_has_no_estimate(clip, style, tmp_path):
    assert estimate.estimate_seconds(planned(clip, style, tmp_path / "out.mkv"), ()) is None
