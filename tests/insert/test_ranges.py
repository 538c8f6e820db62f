"""A finished range of a film, as a look test is one, has some of its frames rendered again; they count in the film."""

import json
from fractions import Fraction

import numpy as np
import pytest

import videostyle
from tests.helpers import media
from tests.helpers.inserts import FOUR, SHALLOW, anew, render, strike
from tests.helpers.jobs import PLAIN, StopError, packets, run
from videostyle.errors import OutputError
from videostyle.media.provenance import read_comment

HELD = videostyle.Span(3, 11)
WANTED = videostyle.Span(7, 9)


def changed(before, after):
    return [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if not np.array_equal(a, b)]


def test_some_frames_of_a_range_are_rendered_again(pan, style, tmp_path):
    output, reports = tmp_path / "out.mkv", []
    render(pan, style, output, SHALLOW, span=HELD)
    before, times = media.shown(output)
    anew(pan, style, output, SHALLOW.override(iterations=2), WANTED, on_frame=reports.append)
    after, later = media.shown(output)
    assert later == times
    assert [report.index for report in reports if report.losses] == [7, 8]
    assert changed(before, after) == [4, 5]


def test_a_range_is_continued_as_it_was_begun(style, tmp_path):
    """A shot of it is made once more as it was made at first, also one that the range's beginning cuts off."""
    shots = [*media.panning(7), *media.panning(4, seed=3), *media.panning(5, seed=9)]
    film, output = media.write_clip(tmp_path / "film.mkv", shots, sound=None), tmp_path / "out.mkv"
    render(film, style, output, SHALLOW, span=videostyle.Span(2, 15))
    before = packets(output)
    for span in (videostyle.Span(2, 7), videostyle.Span(7, 11)):
        anew(film, style, output, SHALLOW, span)
        assert packets(output) == before


def test_a_range_of_times_is_known_by_its_times(film, style, tmp_path):
    """Of frames that are unevenly far apart."""
    output = tmp_path / "out.mp4"
    render(film, style, output, PLAIN, span=videostyle.Span(start=Fraction(4, 25), end=Fraction(7, 10)))
    before, times = media.shown(output)
    assert len(before) == 14  # 4 to 17
    anew(film, style, output, PLAIN.override(tv_weight=1), videostyle.Span(start=Fraction(1, 2), end=Fraction(3, 5)))
    after, later = media.shown(output)
    assert later == times
    assert changed(before[:9], after[:9]) == []
    said = json.loads(read_comment(output))
    assert (said["range"], said["ranges"][0]["frames"]) == ({"first": "0", "start": "4/25", "end": "7/10"}, [13, 16])


def test_a_range_of_numbered_pictures_is_known_by_its_numbers(pan, style, tmp_path):
    output = tmp_path / "out.%03d.png"
    render(pan, style, output, SHALLOW, span=HELD)
    files = [tmp_path / f"out.{number:03d}.png" for number in range(4, 12)]
    before = [path.read_bytes() for path in files]
    anew(pan, style, output, SHALLOW.override(iterations=2), WANTED)
    assert changed(before, [path.read_bytes() for path in files]) == [4, 5]
    with pytest.raises(OutputError, match="it holds the frames 3:11 of"):
        anew(pan, style, output, SHALLOW, videostyle.Span(2, 5))


def test_a_range_in_a_range_is_resumed(film, style, tmp_path):
    outputs = [tmp_path / "out.mp4", tmp_path / "whole.mp4"]
    for output in outputs:
        render(film, style, output, PLAIN, span=videostyle.Span(2, 19))
    words = PLAIN.override(tv_weight=1), videostyle.Span(5, 17)
    with pytest.raises(StopError):
        anew(film, style, outputs[0], *words, on_frame=strike(10), limits=FOUR)
    anew(film, style, outputs[0], *words, resume=True, limits=FOUR)
    anew(film, style, outputs[1], *words, limits=FOUR)
    assert packets(outputs[0]) == packets(outputs[1])


@pytest.mark.parametrize("span", [videostyle.Span(2, 5), videostyle.Span(9, 12), videostyle.Span(0, 2)])
def test_frames_outside_the_range_are_refused(pan, style, tmp_path, span):
    output = tmp_path / "out.mp4"
    render(pan, style, output, PLAIN, span=HELD)
    content = output.read_bytes()
    said = rf"it holds the frames 3:11 of .*, from 0\.12 to 0\.42 s, and not all of {span.first}:{span.last}; ask"
    with pytest.raises(OutputError, match=said):
        anew(pan, style, output, PLAIN, span)
    assert output.read_bytes() == content


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "it has 8 frames and .* has 12, or other times; --into needs all of it, or the range"),
        ({"first": "4", "last": "12"}, "it holds the frames 4:12"),
        ({"first": "4", "last": "11"}, "it has 8 frames and .* has 7, or other times"),
        ({"first": "-1"}, "cannot be read; make it anew"),
        ({"first": "1e9999999999"}, "cannot be read"),
        ({"second": "1"}, "cannot be read"),
        ({"start": 1}, "cannot be read"),
        ([1], "cannot be read"),
    ],
)
def test_a_range_that_is_not_told_or_cannot_be_is_refused(pan, style, tmp_path, monkeypatch, found, said):
    output = tmp_path / "out.mkv"
    render(pan, style, output, PLAIN, span=HELD)
    made = {name: value for name, value in json.loads(read_comment(output)).items() if name != "range"}
    comment = json.dumps(made | ({} if found is None else {"range": found}))
    monkeypatch.setattr("videostyle.media.provenance.read_comment", lambda path: comment)
    with pytest.raises(OutputError, match=said):
        anew(pan, style, output, PLAIN, videostyle.Span(2, 5))


def test_the_command_counts_in_the_film(pan, style, tmp_path, capsys):
    output = str(tmp_path / "test.mp4")
    few = ["--weights", "builtin", "--iterations", "1", "--first-iterations", "1", "--quiet"]
    assert run(str(pan), str(style), output, "--frames", "3:11", *few) == 0
    assert run(str(pan), str(style), output, "--frames", "7:9", "--into", "--seed", "4", "--quiet") == 0
    assert run(str(pan), str(style), output, "--frames", "11", "--into") == 2
    assert "it holds the frames 3:11" in capsys.readouterr().err
