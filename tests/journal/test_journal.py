"""The directory that keeps a job's work: whose it is, and what in it is ours."""

import json
import os

import pytest

from tests.helpers import media
from tests.helpers.jobs import made, packets, planned, render, run_plan
from videostyle.errors import AppearedError, OutputError
from videostyle.journal.folder import state_folder
from videostyle.journal.journal import Journal, discard, has_kept_work


@pytest.fixture
def film(tmp_path):
    return media.write_clip(tmp_path / "film.mkv", [*media.panning(5), *media.panning(5, seed=3)])


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_lies_where_the_directory_would_be_is_not_touched(film, style, tmp_path, kind):
    output, precious = tmp_path / "out.mp4", tmp_path / "precious"
    precious.mkdir()
    (precious / "000000.json").write_text("mine")
    if kind == "link":
        state_folder(output).symlink_to(precious)
    else:
        state_folder(output).write_text("mine")
    for more in ({}, {"resume": True}, {"overwrite": True}):
        with pytest.raises(OutputError, match="is no directory of videostyle"):
            made(film, style, output, **more)
    if kind == "link":
        with pytest.raises(OutputError, match="is no directory of videostyle"):
            discard(output)
    assert (precious / "000000.json").read_text() == "mine"
    assert not output.exists()


def test_only_files_that_a_journal_makes_are_deleted(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    folder = state_folder(output)
    (folder / "photos").mkdir(parents=True)
    foreign = [folder / name for name in ("notes.txt", "000000 (conflicted copy).json", "photos/a.jpg", "film")]
    for path in foreign:
        path.write_text("mine")
    (folder / "000007.packets").write_text("left over")
    made(film, style, output)
    assert output.exists()
    assert [path.read_text() for path in foreign] == ["mine"] * 4
    assert not (folder / "000007.packets").exists()


@pytest.mark.parametrize(
    "content", ['{"version": 1}', "[" * 100_000, "null", "7", '{"a": {"b": 1}}', "", '[{"check": 1}]']
)
@pytest.mark.parametrize("name", ["job.json", "000000.json", "complete.json"])
def test_odd_records_are_no_records(film, style, tmp_path, name, content):
    whole, output = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    made(film, style, whole)
    made(film, style, output, stop=7)
    (state_folder(output) / name).write_text(content)
    render(film, style, output, resume=True)
    assert packets(output) == packets(whole)
    assert not state_folder(output).exists()


def test_a_record_of_other_fields_is_no_record(tmp_path):
    output, facts = tmp_path / "out.mp4", {"a": "1"}
    with Journal(output, facts, resume=False) as journal:
        journal.draft(0).write_bytes(b"packets")
        journal.publish(0, 3, None, lambda number: False)
    path = state_folder(output) / "000000.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "more": 1}))
    with Journal(output, facts, resume=True) as journal:
        assert journal.records == ()


def test_a_film_that_appeared_meanwhile_is_not_replaced(film, style, tmp_path):
    output, whole = tmp_path / "out.mp4", tmp_path / "whole.mp4"
    made(film, style, whole)

    def put(report):
        output.write_bytes(b"theirs")

    with pytest.raises(AppearedError, match="stays as it is"):
        render(film, style, output, on_frame=put)
    assert output.read_bytes() == b"theirs"
    assert has_kept_work(output)
    output.unlink()
    render(film, style, output, resume=True)
    assert packets(output) == packets(whole)


def test_a_picture_that_appeared_meanwhile_is_not_replaced(style, tmp_path):
    plan = planned(media.write_picture(tmp_path / "photo.png"), style, tmp_path / "out.png")
    (tmp_path / "out.png").write_bytes(b"theirs")
    with pytest.raises(AppearedError):
        run_plan(plan)
    assert (tmp_path / "out.png").read_bytes() == b"theirs"


def test_a_name_of_any_legal_length_has_a_directory(film, style, tmp_path):
    output = tmp_path / f"{'n' * 240}.mp4"
    assert "--resume" in made(film, style, output, stop=7)
    assert state_folder(output).is_dir()
    assert state_folder(output) != state_folder(tmp_path / f"{'n' * 241}.mp4")
    render(film, style, output, resume=True)
    assert output.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_not_replaced(film, style, tmp_path):
    for name, content in (("o.mp4", film), ("o.png", media.write_picture(tmp_path / "photo.png"))):
        os.mkfifo(tmp_path / name)
        with pytest.raises(OutputError, match="a pipe or a device"):
            made(content, style, tmp_path / name, overwrite=True)
        assert (tmp_path / name).is_fifo()
