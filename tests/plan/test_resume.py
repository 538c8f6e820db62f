"""What is finished is not made again, and work of another job is not mixed in."""

from fractions import Fraction

import pytest
from cv2 import imwrite

import videostyle
from tests.helpers import media
from tests.helpers.jobs import PLAIN, STYLED, made
from videostyle.errors import OutputError
from videostyle.journal.folder import state_folder
from videostyle.journal.journal import Journal
from videostyle.render import run as run_module


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (STYLED.override(iterations=2), "iterations 1 → 2"),
        (STYLED.override(tv_weight=0.5, seed=3), "tv-weight 0.02 → 0.5 and seed 0 → 3"),
    ],
)
def test_work_of_other_settings_is_not_mixed_in(film, style, tmp_path, settings, said):
    output = tmp_path / "out.mp4"
    made(film, style, output, STYLED, stop=8)
    kept = {p.name for p in state_folder(output).iterdir()}
    with pytest.raises(OutputError, match=said):
        made(film, style, output, settings, resume=True)
    assert {p.name for p in state_folder(output).iterdir()} == kept


def test_work_on_another_source_or_style_is_not_mixed_in(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    made(film, style, output, stop=8)
    with pytest.raises(OutputError, match="changed style;"):
        made(film, media.write_picture(tmp_path / "other.png"), output, resume=True)
    film.write_bytes(media.write_clip(tmp_path / "b.mkv", media.panning(14)).read_bytes())
    with pytest.raises(OutputError, match="changed content;"):
        made(film, style, output, resume=True)


def test_unfinished_work_is_not_thrown_away_by_forgetting_a_word(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    made(film, style, output, stop=8)
    with pytest.raises(OutputError, match="--resume goes on"):
        made(film, style, output)
    assert made(film, style, output, overwrite=True).frames == 14


def test_a_finished_job_is_finished(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    made(film, style, output, resume=True)
    content = output.read_bytes()
    state_folder(output).mkdir()  # as if killed while the state was taken away
    made(film, style, output, resume=True)
    assert output.read_bytes() == content
    assert not state_folder(output).exists()
    with pytest.raises(OutputError, match="it exists"):
        made(film, style, output, PLAIN.override(codec="ffv1"), resume=True)


@pytest.fixture
def idle(monkeypatch):
    """No network is loaded, and no frame is made."""

    def refuse(*_):
        raise AssertionError("there is nothing to do")

    def begin():
        monkeypatch.setattr(run_module, "load_engines", refuse)
        monkeypatch.setattr(run_module, "render_locally", refuse)

    return begin


@pytest.mark.parametrize("name", ["out.mp4", "out.%02d.png", "out.%02d.tif", "out.%02d.jpg"])
@pytest.mark.parametrize("span", [videostyle.Span(), videostyle.Span(3, 11), videostyle.Span(start=Fraction(1, 5))])
def test_what_is_finished_is_told_and_not_made_again(film, style, tmp_path, caplog, idle, name, span):
    caplog.set_level("INFO", "videostyle")
    made(film, style, tmp_path / name, STYLED, span=span)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    idle()
    made(film, style, tmp_path / name, STYLED, span=span, resume=True)
    assert sum("is finished already" in message for message in caplog.messages) == 1
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_pictures_of_numbered_pictures_are_finished(style, tmp_path, idle):
    for number, image in enumerate(media.panning(4), 7):
        imwrite(str(tmp_path / f"in{number}.png"), image)
    made(tmp_path / "in%d.png", style, tmp_path / "out%d.png", STYLED, span=videostyle.Span(1, 3))
    idle()
    made(tmp_path / "in%d.png", style, tmp_path / "out%d.png", STYLED, span=videostyle.Span(1, 3), resume=True)


def test_a_range_that_is_finished_is_told_and_not_made_again(film, style, tmp_path, caplog, idle):
    caplog.set_level("INFO", "videostyle")
    span = videostyle.Span(5, 10)
    for name in ("out.mkv", "out.%02d.png"):
        made(film, style, tmp_path / name)
        made(film, style, tmp_path / name, PLAIN.override(tv_weight=1), span=span, into=True)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    idle()
    for name in ("out.mkv", "out.%02d.png"):
        made(film, style, tmp_path / name, PLAIN.override(tv_weight=1), span=span, into=True, resume=True)
    assert sum("is finished already" in message for message in caplog.messages) == 2
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_pictures_of_which_one_is_missing_are_not_finished(film, style, tmp_path):
    output = tmp_path / "out.%02d.png"
    made(film, style, output)
    (tmp_path / "out.14.png").unlink()
    made(film, style, output, resume=True)
    assert (tmp_path / "out.14.png").exists()


def test_a_picture_that_is_finished_is_not_made_again(style, tmp_path, idle):
    photo, output = media.write_picture(tmp_path / "photo.png"), tmp_path / "out.tif"
    made(photo, style, output, STYLED, resume=True)
    idle()
    made(photo, style, output, STYLED, resume=True)
    with pytest.raises(OutputError, match="it exists"):
        made(photo, style, output, STYLED.override(seed=1), resume=True)


def test_what_other_weights_made_is_not_finished(film, style, tmp_path):
    made(film, style, tmp_path / "out.mkv")
    with pytest.raises(OutputError, match="it exists"):
        made(film, style, tmp_path / "out.mkv", PLAIN.override(weights="builtin"), resume=True)


def test_work_on_a_range_is_not_taken_for_work_on_the_whole(film, style, tmp_path):
    output, span = tmp_path / "out.mkv", videostyle.Span(2, 13)
    made(film, style, output)
    made(film, style, output, span=span, into=True, stop=10)
    for words in ({"span": span}, {}):
        with pytest.raises(OutputError, match=r"begun otherwise: changed .*into;"):
            made(film, style, output, PLAIN.override(tv_weight=1), resume=True, **words)
    assert state_folder(output).exists()


def test_a_finished_film_that_another_job_makes_anew_is_left_to_that(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    made(film, style, output)
    with Journal(output, {}, resume=False) as at_work:
        with pytest.raises(OutputError, match="another videostyle"):
            made(film, style, output, resume=True)
        assert at_work.folder.is_dir()
        at_work.remove()
