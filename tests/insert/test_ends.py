"""The ends of a range hold together with the finished frames beside them, and nobody sees where they are."""

import shutil

import numpy as np
import pytest

import videostyle
from tests.helpers import media
from tests.helpers.inserts import FOUR, SHALLOW, anew, render, strike
from tests.helpers.jobs import StopError, packets
from videostyle.plan import insert


def seam(images, place):
    """How much of what both show changes from one frame of the pan to the next, in levels."""
    return float(np.abs(images[place].astype(float)[:, :-2] - images[place - 1][:, 2:]).mean())


def test_both_seams_hold(pan, style, tmp_path, monkeypatch):
    """Against a range that begins or ends as it likes."""
    settings = SHALLOW.override(iterations=2, first_iterations=6, style_weight=60, color="style")
    render(pan, style, tmp_path / "whole.mkv", settings)
    whole = media.shown(tmp_path / "whole.mkv")[0]
    found = {}
    for name, fits in (
        ("held", lambda place: True),
        ("led", lambda place: place == 9),
        ("begun", lambda place: place == 2),
    ):
        output = shutil.copy(tmp_path / "whole.mkv", tmp_path / f"{name}.mkv")
        monkeypatch.setattr(insert, "_has_same_look", lambda *asked, fits=fits: fits(asked[-1]))
        anew(pan, style, output, settings.override(seed=3, content_weight=2, iterations=4), videostyle.Span(3, 9))
        found[name] = media.shown(output)[0]
    for place, loose in ((3, "led"), (9, "begun")):
        assert seam(found["held"], place) < 1.5 * seam(whole, place)
        assert seam(found["held"], place) < 0.75 * seam(found[loose], place)


def test_a_range_of_several_segments_follows_its_own_frames(pan, style, tmp_path):
    """And not the finished one after it, which every segment remembers."""
    settings = SHALLOW.override(iterations=2, first_iterations=6, style_weight=60)
    output = tmp_path / "out.mkv"
    render(pan, style, output, settings, limits=FOUR)
    anew(pan, style, output, settings.override(content_weight=2), videostyle.Span(1, 10), limits=FOUR)
    seams = [seam(media.shown(output)[0], place) for place in range(1, 10)]
    assert max(seams) < 2 * np.median(seams)


def test_a_cut_needs_no_seam(style, tmp_path, monkeypatch):
    """Ranges that begin and end with a shot are that shot, as it would have been made at first."""
    shots = [*media.panning(5), *media.panning(4, seed=3), *media.panning(5, seed=9)]
    film, output = media.write_clip(tmp_path / "film.mkv", shots, sound=None), tmp_path / "out.mkv"
    render(film, style, output, SHALLOW)
    before = packets(output)
    anew(film, style, output, SHALLOW, videostyle.Span(5, 9))
    assert packets(output) == before


def test_another_style_begins_and_ends_with_the_range(pan, style, tmp_path, caplog):
    output, other = tmp_path / "out.mkv", media.write_picture(tmp_path / "other.png", 80, 60, seed=5)
    render(pan, style, output, SHALLOW)
    alone = tmp_path / "alone.mkv"
    span = videostyle.Span(4, 7)
    anew(pan, other, output, SHALLOW, span)
    assert sum("another look" in line for line in caplog.messages) == 2
    render(pan, other, alone, SHALLOW, span=span)
    for made, expected in zip(media.shown(output)[0][4:7], media.shown(alone)[0], strict=True):
        np.testing.assert_array_equal(made, expected)
    caplog.clear()
    anew(pan, other, output, SHALLOW.override(iterations=2), videostyle.Span(5, 7))
    assert ["frame 7 has another look" in line for line in caplog.messages] == [True]


def test_a_range_of_several_passes_holds_and_is_resumed(pan, style, tmp_path):
    """Longer than a segment."""
    settings = SHALLOW.override(iterations=1, first_iterations=4, style_weight=60, passes=3)
    output, whole, span = tmp_path / "out.mkv", tmp_path / "whole.mkv", videostyle.Span(2, 10)
    render(pan, style, output, settings, limits=FOUR)
    before = media.shown(output)[0]
    shutil.copy(output, whole)
    other = settings.override(content_weight=2)
    anew(pan, style, whole, other, span, limits=FOUR)
    with pytest.raises(StopError):
        anew(pan, style, output, other, span, on_frame=strike(7), limits=FOUR)
    anew(pan, style, output, other, span, resume=True, limits=FOUR)
    assert packets(output) == packets(whole)
    made = media.shown(output)[0]
    assert [n for n in range(12) if np.array_equal(before[n], made[n])] == [0, 1, 10, 11]
    for place in (2, 6, 10):
        assert seam(made, place) < 1.5 * seam(before, place) + 0.5  # levels
