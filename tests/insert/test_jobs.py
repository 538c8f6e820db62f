"""A range that was stopped is resumed, and the film tells how its ranges were made."""

import json
import shutil

import pytest

import videostyle
from tests.helpers import media
from tests.helpers.inserts import FOUR, SHALLOW, anew, render, strike
from tests.helpers.jobs import PLAIN, StopError, packets, run
from videostyle.errors import OutputError
from videostyle.journal.folder import state_folder
from videostyle.media.provenance import read_comment


@pytest.mark.parametrize("settings", [PLAIN, SHALLOW.override(codec="auto")])
def test_a_range_that_was_stopped_is_resumed(film, style, tmp_path, settings):
    output, whole = tmp_path / "out.mp4", tmp_path / "whole.mp4"
    render(film, style, output, settings)
    span, other = videostyle.Span(3, 17), settings.override(tv_weight=1)
    shutil.copy(output, whole)
    anew(film, style, whole, other, span, limits=FOUR)
    before = output.read_bytes()
    for stop in (8, 15):
        with pytest.raises(StopError):
            anew(film, style, output, other, span, resume=True, on_frame=strike(stop), limits=FOUR)
        assert output.read_bytes() == before
    anew(film, style, output, other, span, resume=True, limits=FOUR)
    assert packets(output) == packets(whole)
    assert not state_folder(output).exists()


def test_a_range_is_not_resumed_into_another_film(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    render(film, style, output, PLAIN)
    with pytest.raises(StopError):
        anew(film, style, output, span=videostyle.Span(1, 19), on_frame=strike(12))
    kept = state_folder(output).rename(tmp_path / "kept")
    anew(film, style, output, PLAIN)
    kept.rename(state_folder(output))
    with pytest.raises(OutputError, match="changed into;"):
        anew(film, style, output, span=videostyle.Span(1, 19), resume=True)


def test_a_finished_range_is_finished(film, style, tmp_path, monkeypatch):
    output = tmp_path / "out.mp4"
    render(film, style, output, PLAIN)
    monkeypatch.setattr("videostyle.journal.journal.Journal.remove", lambda journal: None)  # as if killed before it
    anew(film, style, output)
    content = output.read_bytes()
    monkeypatch.undo()
    anew(film, style, output, resume=True)
    assert output.read_bytes() == content
    assert not state_folder(output).exists()


def test_the_film_tells_how_its_ranges_were_made(film, style, tmp_path):
    output, other = tmp_path / "out.mp4", media.write_picture(tmp_path / "other.png", seed=5)
    words = [str(film), str(style), str(output), "--iterations", "0", "--first-iterations", "0", "--quiet"]
    assert run(*words, "--crf", "20", "--tv-weight", "0.5") == 0
    assert run(*words[:1], str(other), str(output), "--frames", "9:14", "--into", "--seed", "4", "--quiet") == 0
    assert run(*words[:3], "--start", "0.2", "--end", "0.3", "--into", "--quiet") == 0
    said = json.loads(read_comment(output))
    assert (said["styles"], said["settings"]["tv_weight"], said["settings"]["seed"]) == (["style.png"], 0.5, 0)
    first, second = said["ranges"]
    assert (first["frames"], first["styles"], first["settings"]["seed"]) == ([9, 14], ["other.png"], 4)
    assert (second["frames"], second["settings"]["crf"], second["settings"]["tv_weight"]) == ([5, 8], 20, 0.5)
