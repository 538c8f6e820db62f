"""A range goes over from the finished look into its own, and back, frame by frame; not at a cut."""

import shutil

import numpy as np
import pytest

import videostyle
from tests.helpers import media
from tests.helpers.inserts import FOUR, SHALLOW, anew, render, strike
from tests.helpers.jobs import StopError, run
from videostyle.errors import InputError
from videostyle.frames import Frame
from videostyle.media import sequence
from videostyle.render.crossfade import mix
from videostyle.render.insert import OldLook

OTHER = SHALLOW.override(seed=3, style_weight=300, iterations=2, first_iterations=3)
SPAN, WHOLE = videostyle.Span(2, 10), videostyle.Span()


def shares(old, new, made):
    """How much of the new look each frame has; None where both are one."""
    return [_share(*map(np.float64, each)) for each in zip(old, new, made, strict=True)]


def _share(old, new, made):
    apart = new - old
    if not apart.any():
        assert (made == old).all()
        return None
    share = float((apart * (made - old)).sum() / (apart * apart).sum())
    np.testing.assert_allclose(made, old + share * apart, atol=2)
    return round(share, 2)


def both(film, output, painting, style, span=SPAN, settings=OTHER, before=SHALLOW, held=WHOLE):
    """The pictures before, after a range in another look, and after the same with a crossfade of three frames."""
    render(film, style, output, before, span=held)
    hard = shutil.copy(output, output.with_stem("hard"))
    old = media.shown(output)[0]
    anew(film, painting, hard, settings, span)
    anew(film, painting, output, settings, span, crossfade=3)
    return old, media.shown(hard)[0], media.shown(output)[0]


@pytest.fixture
def painting(tmp_path):
    return media.write_picture(tmp_path / "other.png", 80, 60, seed=5)


def test_the_new_look_fades_in_and_out_in_even_steps(pan, style, painting, tmp_path, caplog):
    found = both(pan, tmp_path / "out.mkv", painting, style)
    assert shares(*found) == [None, None, 0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25, None, None]
    assert sum("another look" in line for line in caplog.messages) == 2  # of the hard one: the other needs no warning


def test_of_one_look_as_well(pan, style, tmp_path):
    """The ends hold together besides, as they do without."""
    found = both(pan, tmp_path / "out.mkv", style, style, settings=SHALLOW.override(style_weight=300, iterations=3))
    steps = [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]
    assert shares(*found)[2:10] == pytest.approx(steps, abs=0.2)  # looks so much alike are a few levels apart


@pytest.mark.parametrize(
    ("span", "held", "expected"),
    [
        (videostyle.Span(0, 6), videostyle.Span(), [1, 1, 1, 0.75, 0.5, 0.25] + 6 * [None]),
        (videostyle.Span(6, 12), videostyle.Span(), 6 * [None] + [0.25, 0.5, 0.75, 1, 1, 1]),
        (videostyle.Span(4, 10), videostyle.Span(4, 10), [1, 1, 1, 1, 1, 1]),
    ],
)
def test_where_the_output_begins_or_ends_there_is_nothing_to_fade(pan, style, painting, tmp_path, span, held, expected):
    assert shares(*both(pan, tmp_path / "out.mkv", painting, style, span, held=held)) == expected


def test_a_cut_stays_a_cut(style, painting, tmp_path):
    shots = [*media.panning(5), *media.panning(8, seed=3), *media.panning(5, seed=9)]
    film = media.write_clip(tmp_path / "film.mkv", shots, sound=None)
    found = both(film, tmp_path / "out.mkv", painting, style, videostyle.Span(5, 12))
    assert shares(*found)[5:12] == [1, 1, 1, 1, 0.75, 0.5, 0.25]
    found = both(film, tmp_path / "later.mkv", painting, style, videostyle.Span(7, 13))
    assert shares(*found)[7:13] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_frames_that_are_styled_one_by_one_fade_too(pan, style, painting, tmp_path):
    one_by_one = SHALLOW.override(independent=True)
    found = both(pan, tmp_path / "out.mkv", painting, style, before=one_by_one, settings=one_by_one)
    assert shares(*found)[2:10] == [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]


@pytest.mark.parametrize("name", ["{}.mkv", "{}.%03d.png"])
@pytest.mark.parametrize("stop", [3, 8])
def test_a_crossfade_that_was_stopped_is_resumed(pan, style, painting, tmp_path, name, stop):
    """Pictures that are mixed already are not mixed once more."""
    outputs = [tmp_path / name.format(each) for each in ("struck", "whole")]
    for output in outputs:
        render(pan, style, output, SHALLOW)
    with pytest.raises(StopError):
        anew(pan, painting, outputs[0], OTHER, SPAN, crossfade=3, on_frame=strike(stop), limits=FOUR)
    anew(pan, painting, outputs[0], OTHER, SPAN, crossfade=3, limits=FOUR, resume=True)
    anew(pan, painting, outputs[1], OTHER, SPAN, crossfade=3, limits=FOUR)
    struck, whole = (sequence.files(output) or [output] for output in outputs)
    for path, expected in zip(struck, whole, strict=True):
        np.testing.assert_array_equal(media.shown(path)[0], media.shown(expected)[0])


def test_a_mix_keeps_the_depth_of_the_new_frame():
    new = Frame(np.full((2, 2, 3), 60000, np.uint16), 0, 1, 1, 0)
    assert (mix(OldLook(np.full((2, 2, 3), 100, np.uint8), 0.5), new).pixels == 42850).all()
    assert (mix(OldLook(np.full((2, 2, 3), 7, np.uint16), 0.0), new).pixels == 7).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"crossfade": 3, "into": False}, "say --into as well"),
        ({"crossfade": -1}, "0 or more"),
        ({"crossfade": 5}, "--crossfade 5 at both ends is longer than the range of 8 frames; say 4 at most"),
    ],
)
def test_what_cannot_be_is_refused(pan, style, tmp_path, words, said):
    output = tmp_path / "out.mkv"
    render(pan, style, output, SHALLOW.override(iterations=0, first_iterations=0))
    with pytest.raises(InputError, match=said):
        render(pan, style, output, SHALLOW, span=SPAN, **{"into": True, "overwrite": True} | words)


def test_the_command_crossfades(pan, style, painting, tmp_path):
    output = str(tmp_path / "out.mp4")
    few = ["--weights", "builtin", "--iterations", "1", "--first-iterations", "1", "--quiet"]
    assert run(str(pan), str(style), output, *few) == 0
    assert run(str(pan), str(painting), output, "--frames", "2:10", "--into", "--crossfade", "3", "--quiet") == 0
