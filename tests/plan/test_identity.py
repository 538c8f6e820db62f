"""Kept work that other versions, threads or machines began is not gone on with."""

from importlib.metadata import version

import pytest
import torch

from tests.helpers import media
from tests.helpers.jobs import PLAIN, STYLED, made, planned
from videostyle.errors import OutputError
from videostyle.journal.facts import differences
from videostyle.journal.folder import state_folder
from videostyle.media.provenance import read_comment
from videostyle.plan import identity
from videostyle.sources import read_made


def test_work_of_another_codec_library_is_not_mixed_in(film, style, tmp_path, monkeypatch):
    output = tmp_path / "out.mp4"
    made(film, style, output, stop=8)
    there = identity.version("av")
    monkeypatch.setattr(identity, "version", lambda name: "17.0.0" if name == "av" else version(name))
    with pytest.raises(OutputError, match=f"changed av {there} → 17.0.0"):
        made(film, style, output, resume=True)


@pytest.mark.parametrize("package", ["pillow", "numpy"])
def test_work_of_another_picture_library_is_not_mixed_in(film, style, tmp_path, monkeypatch, package):
    output = tmp_path / "out.mp4"
    made(film, style, output, stop=8)
    monkeypatch.setattr(identity, "version", lambda name: "1.0" if name == package else version(name))
    with pytest.raises(OutputError, match=f"changed {package} {version(package)} → 1.0"):
        made(film, style, output, resume=True)


def test_work_of_another_number_of_threads_is_not_mixed_in(film, style, tmp_path, monkeypatch):
    output, threads = tmp_path / "out.mp4", torch.get_num_threads()
    made(film, style, output, STYLED, stop=8)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    said = f"changed threads OMP_NUM_THREADS={threads} → OMP_NUM_THREADS={threads + 1}"
    with pytest.raises(OutputError, match=said):
        made(film, style, output, STYLED, resume=True)
    assert state_folder(output).exists()


def test_work_of_another_kind_of_cpu_is_not_mixed_in(film, style, tmp_path, monkeypatch):
    output = tmp_path / "out.mp4"
    made(film, style, output, STYLED, stop=8)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "NONE")
    with pytest.raises(OutputError, match=r"changed cpu .* → NONE"):
        made(film, style, output, STYLED, resume=True)


def test_a_film_says_nothing_of_the_machine_that_made_it(film, style, tmp_path):
    """So that `--config` repeats it on another one."""
    made(film, style, tmp_path / "out.mp4", PLAIN.override(device="cpu", workers=2))
    settings = read_made(read_comment(tmp_path / "out.mp4"), tmp_path / "out.mp4")
    assert {"device", "workers"}.isdisjoint(settings)
    assert settings["weights"] == "auto"


def test_the_size_of_a_frame_counts_beside_the_size_that_was_asked_for(style, tmp_path, monkeypatch):
    """A CPU's default size and a GPU's are two, and a size that was said may be the default one."""
    film = media.write_clip(tmp_path / "film.mkv", media.panning(2, 400, 300), sound=None)
    small = planned(film, style, tmp_path / "out.mkv", PLAIN.override(device="cpu")).facts
    said = planned(film, style, tmp_path / "out.mkv", PLAIN.override(size=384)).facts
    monkeypatch.setattr("videostyle.plan.size._on_gpu", lambda device: True)
    large = planned(film, style, tmp_path / "out.mkv", PLAIN.override(device="cpu")).facts
    assert differences(small, large) == ["frame-size 384x288 → 400x300"]
    assert differences(small, said) == ["size None → 384"]
