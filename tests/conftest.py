"""What every test may use."""

from __future__ import annotations

import logging
import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two tests run at once; torch reads it when it is loaded

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import pytest
import torch

from tests.helpers import media
from videostyle.style.features import weights
from videostyle.style.features.vgg import VGG19


@pytest.fixture(scope="session", autouse=True)
def own_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's caches."""
    home = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home))
        patch.setenv("TORCH_HOME", str(home / "torch"))
        yield


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """No test changes what another one is told."""
    log = logging.getLogger("videostyle")
    level, handlers = log.level, log.handlers[:]
    yield
    log.setLevel(level)
    log.handlers[:] = handlers


def pytest_configure() -> None:
    """A suite begun under nohup or in a script's background would hand on to its jobs that signals are ignored."""
    for number, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        if hasattr(signal, number) and signal.getsignal(getattr(signal, number)) is signal.SIG_IGN:
            signal.signal(getattr(signal, number), handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for long in ("kills", "fuzz"):
            if long in item.keywords and long not in config.option.markexpr:
                item.add_marker(pytest.mark.skip(reason=f"minutes long; -m {long} runs it"))
        if "gpu" in item.keywords and not torch.cuda.is_available() and not os.environ.get("REQUIRE_GPU"):
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture(scope="session")
def network(own_caches: None) -> VGG19:
    built = weights.load("builtin", ["relu5_1"])
    return VGG19(built.tensors, built.pooling)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Six frames of a pan, with sound."""
    return media.write_clip(tmp_path / "clip.mkv", media.panning(6))


@pytest.fixture
def style(tmp_path: Path) -> Path:
    path = tmp_path / "style.png"
    cv2.imwrite(str(path), media.texture(80, 60, seed=7)[..., ::-1])
    return path


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Fourteen frames with sound and uneven times: a setup, another one, and the first again."""
    images = [*media.panning(9)[:5], *media.panning(5, seed=3), *media.panning(9)[5:]]
    pts = [0, 40, 80, 81, 160, 200, 260, 280, 320, 360, 400, 440, 480, 900]
    return media.write_clip(tmp_path / "film.mkv", images, pts=pts, time_base=Fraction(1, 1000))
