"""What benchmarks/flow.py measures on."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from tests.helpers import media


def measuring():
    """benchmarks/flow.py"""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "flow.py")))


def test_the_clips_that_flow_is_measured_on_move_as_they_say():
    flow = measuring()
    for kind in ("pan", "zoom", "disc"):
        pair = list(flow.clip(kind, 96, 64, 3))[-1]
        y, x = np.mgrid[:64, :96].astype(np.float32)
        moved = cv2.remap(pair.there, x + pair.flow[..., 0], y + pair.flow[..., 1], cv2.INTER_CUBIC)
        inside = cv2.erode(pair.visible.astype(np.uint8), np.ones((3, 3))) > 0
        assert np.abs(moved.astype(int) - pair.here)[inside].mean() < 3
        assert flow.errors(pair.flow, pair) == (0, 0, 0)
        assert flow.errors(pair.flow + 5, pair)[1:] == (pytest.approx(50**0.5, rel=1e-4), 1)


def test_pairs_from_elsewhere_are_read(tmp_path):
    flow, (before, now) = measuring(), media.panning(2, 96, 64)
    for name, image in (("frame10", now), ("frame11", before), ("occ10", 0 * now)):
        cv2.imwrite(str(tmp_path / f"sea_{name}.png"), image[..., ::-1])
    motion = np.zeros((64, 96, 2), "<f4")
    motion[..., 0], motion[:2] = 2, 1e10
    (tmp_path / "sea_flow10.flo").write_bytes(b"PIEH" + np.array([96, 64], "<i4").tobytes() + motion.tobytes())
    (pair,) = flow.read_pairs(tmp_path)
    assert pair.name == "sea"
    np.testing.assert_array_equal(pair.here, now)
    np.testing.assert_array_equal(pair.there, before)
    assert pair.visible.all()
    assert not pair.known[:2].any()
    assert pair.known[2:].all()
    assert pair.flow[2:, :, 0].max() == 2
