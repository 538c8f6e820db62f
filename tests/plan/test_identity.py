"""A job is known by everything that its result depends on."""

from tests.helpers import media
from tests.helpers.jobs import PLAIN, planned
from videostyle.journal.facts import differences


def test_the_size_of_a_frame_counts_beside_the_size_that_was_asked_for(style, tmp_path, monkeypatch):
    """A CPU's default size and a GPU's are two, and a size that was said may be the default one."""
    film = media.write_clip(tmp_path / "film.mkv", media.panning(2, 400, 300), sound=None)
    small = planned(film, style, tmp_path / "out.mkv", PLAIN.override(device="cpu")).facts
    said = planned(film, style, tmp_path / "out.mkv", PLAIN.override(size=384)).facts
    monkeypatch.setattr("videostyle.plan.size._on_gpu", lambda device: True)
    large = planned(film, style, tmp_path / "out.mkv", PLAIN.override(device="cpu")).facts
    assert differences(small, large) == ["frame-size 384x288 → 400x300"]
    assert differences(small, said) == ["size None → 384"]
