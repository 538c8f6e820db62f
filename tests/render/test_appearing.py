"""OUTPUT appears during the job."""

import pytest

from tests.helpers import media
from tests.helpers.jobs import PLAIN, STYLED, made, render
from videostyle.errors import AppearedError, OutputError
from videostyle.journal.folder import state_folder
from videostyle.render import run as run_module


def appearing(path):
    """Somebody writes that file while the job is at work."""

    def write(report):
        if not path.exists():
            path.write_bytes(b"somebody else's")

    return write


def test_a_film_that_appears_during_the_job_stays_and_the_work_is_kept(film, style, tmp_path):
    output = tmp_path / "out.mkv"
    with pytest.raises(AppearedError, match="stays as it is") as told:
        render(film, style, output, on_frame=appearing(output))
    assert "--resume" in " ".join(told.value.__notes__)
    assert output.read_bytes() == b"somebody else's"
    output.unlink()
    reports = []
    render(film, style, output, resume=True, on_frame=reports.append)
    assert reports == []
    assert len(media.shown(output)[0]) == 14
    assert not state_folder(output).exists()


def test_a_film_that_appears_during_the_job_is_replaced_where_that_was_said(film, style, tmp_path):
    output = tmp_path / "out.mkv"
    render(film, style, output, overwrite=True, on_frame=appearing(output))
    assert len(media.shown(output)[0]) == 14


def test_a_picture_that_appears_during_the_job_stays(style, tmp_path, monkeypatch):
    photo, output = media.write_picture(tmp_path / "photo.png"), tmp_path / "out.png"
    load = run_module.load_engines
    monkeypatch.setattr(run_module, "load_engines", lambda s: (appearing(output)(None), load(s))[1])
    with pytest.raises(AppearedError):
        made(photo, style, output, STYLED)
    assert output.read_bytes() == b"somebody else's"
    made(photo, style, output, STYLED, overwrite=True)
    assert output.read_bytes() != b"somebody else's"
    assert {p.name for p in tmp_path.iterdir()} == {"photo.png", "style.png", "out.png"}


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_numbered_picture_that_appears_during_the_job_stays(film, style, tmp_path, suffix):
    output, there = tmp_path / f"out.%02d.{suffix}", tmp_path / f"out.14.{suffix}"
    with pytest.raises(AppearedError):
        render(film, style, output, on_frame=appearing(there))
    assert there.read_bytes() == b"somebody else's"
    there.unlink()
    render(film, style, output, resume=True)
    assert len(list(tmp_path.glob("out.*"))) == 14


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_numbered_picture_that_appears_stays_and_is_not_replaced_by_the_resumed_job(film, style, tmp_path, kind):
    output, foreign = tmp_path / "out.%02d.png", tmp_path / "foreign.png"
    foreign.write_bytes(b"somebody else's")
    appears = (lambda path: path.hardlink_to(foreign)) if kind == "file" else (lambda path: path.symlink_to(foreign))
    made(film, style, output, stop=10)
    appears(tmp_path / "out.13.png")
    with pytest.raises(OutputError, match=r"out\.13\.png: it exists"):
        render(film, style, output, PLAIN, resume=True)
    assert foreign.read_bytes() == b"somebody else's"
    (tmp_path / "out.13.png").unlink()
    render(film, style, output, PLAIN, resume=True)
