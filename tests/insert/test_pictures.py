"""A range of numbered pictures, or of a film that was made of them."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import videostyle
from tests.helpers import media
from tests.helpers.inserts import SHALLOW, anew, render
from tests.helpers.jobs import PLAIN, run
from videostyle.errors import OutputError
from videostyle.media.provenance import read_comment


def test_the_command_replaces_numbered_pictures_of_a_film(pan, style, tmp_path):
    output = tmp_path / "out.%03d.png"
    words = [str(pan), str(style), str(output), "--weights", "builtin", "--iterations", "1", "--first-iterations", "2"]
    assert run(*words, "--quiet") == 0
    before = [path.read_bytes() for path in sorted(tmp_path.glob("out.*"))]
    assert run(*words[:3], "--frames", "4:6", "--seed", "3", "--iterations", "2", "--into", "--quiet") == 0
    after = [path.read_bytes() for path in sorted(tmp_path.glob("out.*"))]
    assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [4, 5]


def test_a_range_of_pictures_of_a_film_is_chosen_by_its_times(style, tmp_path):
    """At 25 frames a second."""
    film = media.write_clip(tmp_path / "film.mkv", media.panning(10), rate=25, sound=None)
    output = tmp_path / "out.%d.png"
    render(film, style, output, PLAIN)
    for path in tmp_path.glob("out.*"):
        marks = PngInfo()
        marks.add_text("Comment", read_comment(path))
        Image.fromarray(media.texture(64, 48, 3)).save(path, pnginfo=marks)
    anew(film, style, output, PLAIN, videostyle.Span(start=Fraction(1, 5), end=Fraction(2, 5)))
    for n, image in enumerate(media.panning(10)):
        expected = image if 5 <= n < 10 else media.texture(64, 48, 3)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"out.{n + 1}.png")), expected)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_film_of_pictures_has_a_range_made_anew_at_its_rate(style, tmp_path, suffix):
    for n, image in enumerate(media.panning(20), 7):
        Image.fromarray(image).save(tmp_path / f"shot.{n}.png")
    shot, output = tmp_path / "shot.%d.png", tmp_path / f"out{suffix}"
    render(shot, style, output, PLAIN, fps=25)
    images, times = media.shown(output)
    anew(shot, style, output, PLAIN, videostyle.Span(start=Fraction(9, 25), end=Fraction(14, 25)), fps=25)
    made, later = media.shown(output)
    assert later == times == [Fraction(n, 25) for n in range(20)]
    same = [n for n, (a, b) in enumerate(zip(images, made, strict=True)) if np.array_equal(a, b)]
    assert {*range(6), 18, 19} <= set(same)
    assert min(media.psnr(a, b) for a, b in zip(images, made, strict=True)) > 32
    with pytest.raises(OutputError, match="other times"):
        anew(shot, style, output, PLAIN)  # at 24


def test_numbered_pictures_are_replaced_one_by_one(pan, style, tmp_path):
    (tmp_path / "out").mkdir()
    output = tmp_path / "out" / "shot.%03d.png"
    render(pan, style, output, SHALLOW)
    before = [path.read_bytes() for path in sorted(output.parent.iterdir())]
    anew(pan, style, output, SHALLOW.override(iterations=2), videostyle.Span(4, 8))
    after = [path.read_bytes() for path in sorted(output.parent.iterdir())]
    assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [4, 5, 6, 7]
