"""The directory beside an output: whose it is, and what in it may be deleted."""

import os

import pytest

from tests.helpers import media
from tests.helpers.jobs import PLAIN, made, names, packets, render, run
from videostyle.errors import OutputError
from videostyle.journal.folder import check_folder, state_folder
from videostyle.journal.journal import Journal

IDENTITY = ["--iterations", "0", "--first-iterations", "0", "--device", "cpu"]


@pytest.mark.parametrize("words", [[], ["--overwrite"], ["--resume"]])
def test_a_link_in_its_place_is_refused_and_nothing_is_touched(clip, style, tmp_path, words, capsys):
    precious, output = tmp_path / "precious", tmp_path / "out.mkv"
    precious.mkdir()
    for name in ("t.txt", "000000.json", "job.json"):
        (precious / name).write_text("x")
    state_folder(output).symlink_to("precious")
    assert run(str(clip), str(style), str(output), *IDENTITY, *words) == 2
    assert "move it away" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in precious.iterdir()} == dict.fromkeys(
        ["t.txt", "000000.json", "job.json"], "x"
    )
    assert not output.exists()


def test_a_link_that_leads_nowhere_and_a_file_in_its_place_are_refused(clip, style, tmp_path):
    state_folder(tmp_path / "a.mkv").symlink_to("nowhere")
    state_folder(tmp_path / "b.mkv").write_text("x")
    for name in ("a.mkv", "b.mkv"):
        assert run(str(clip), str(style), str(tmp_path / name), *IDENTITY, "--overwrite") == 2
    assert not (tmp_path / "nowhere").exists()
    assert state_folder(tmp_path / "b.mkv").read_text() == "x"


@pytest.mark.parametrize("name", ["lock", "000000.packets", "job.json", "film.mkv", "anything"])
def test_a_link_in_it_is_refused_and_what_it_leads_to_is_not_touched(clip, style, tmp_path, name):
    output, victim = tmp_path / "out.mkv", tmp_path / "victim"
    victim.write_text("precious")
    state_folder(output).mkdir()
    (state_folder(output) / name).symlink_to(victim)
    assert run(str(clip), str(style), str(output), *IDENTITY) == 2
    assert victim.read_text() == "precious"
    assert names(state_folder(output)) == [name]


@pytest.mark.parametrize("name", ["lock", "000000.json", "job.json"])
@pytest.mark.parametrize("make", [os.mkdir, *([os.mkfifo] if hasattr(os, "mkfifo") else [])])
def test_a_directory_or_a_pipe_of_a_job_s_name_in_it_is_refused(clip, style, tmp_path, name, make, capsys):
    output = tmp_path / "out.mkv"
    state_folder(output).mkdir()
    make(state_folder(output) / name)
    assert run(str(clip), str(style), str(output), *IDENTITY, "--resume") == 2
    assert f"{name} is no file that videostyle made; move it away" in capsys.readouterr().err


def test_only_names_that_a_job_gives_are_deleted(clip, style, tmp_path):
    output = tmp_path / "out.mkv"
    folder = state_folder(output)
    folder.mkdir()
    (folder / "mine").mkdir()
    (folder / "mine" / "000000.json").write_text("mine")
    for name in ("notes.txt", "000007.packets", "000007.state", "film.mkv", ".film.0123456789ab.part.mkv"):
        (folder / name).write_text("x")
    made(clip, style, output)
    assert names(folder) == ["mine", "notes.txt"]
    assert names(folder / "mine") == ["000000.json"]


def test_the_longest_names_have_a_directory_too(clip, style, tmp_path):
    for name in ("n" * 240 + ".mkv", "日" * 80 + ".mkv"):
        made(clip, style, tmp_path / name, stop=5)
        assert len(os.fsencode(state_folder(tmp_path / name).name)) <= 255
        made(clip, style, tmp_path / name, PLAIN, resume=True)
        assert packets(tmp_path / name)
    assert names(tmp_path) == sorted(["clip.mkv", "style.png", "n" * 240 + ".mkv", "日" * 80 + ".mkv"])


def test_long_names_that_differ_late_have_directories_of_their_own(tmp_path):
    first, second = (tmp_path / ("n" * 240 + end) for end in ("a.mkv", "b.mkv"))
    assert state_folder(first) != state_folder(second)


def test_a_directory_that_became_a_link_is_not_entered(tmp_path):
    media.write_picture(tmp_path / "a.png")
    state_folder(tmp_path / "out.mkv").symlink_to(tmp_path)
    with pytest.raises(OutputError, match="move it away"):
        Journal(tmp_path / "out.mkv", {}, resume=False)
    assert names(tmp_path) == [state_folder(tmp_path / "out.mkv").name, "a.png"]
    check_folder(tmp_path / "other.mkv")


# --- odd files

DEEP = "[" * 100_000
ODD = [
    ("000000 (conflicted copy).json", "{}"),
    ("٣٣٣٣٣٣.json", "{}"),
    ("000000.json.bak", DEEP),
    ("000009.json", DEEP),
    ("000009.json", "[]"),
    ("complete.json", DEEP),
]


@pytest.mark.parametrize(("name", "content"), ODD)
def test_odd_files_beside_kept_work_are_passed_over(clip, style, tmp_path, name, content):
    output = tmp_path / "out.mkv"
    made(clip, style, output, stop=4)
    (state_folder(output) / name).write_text(content)
    reports = []
    render(clip, style, output, resume=True, on_frame=reports.append)
    assert [report.index for report in reports] == [4, 5]
    assert output.exists()


@pytest.mark.parametrize("content", [DEEP, '{"version": 1}', "[]", "", "{", "\0", "null"])
def test_kept_work_is_known_by_its_records_where_the_facts_are_damaged(clip, style, tmp_path, content):
    output = tmp_path / "out.mkv"
    made(clip, style, output, stop=4)
    (state_folder(output) / "job.json").write_text(content)
    with pytest.raises(OutputError, match="does not say which job"):
        made(clip, style, output, PLAIN.override(tv_weight=0.5), resume=True)
    reports = []
    render(clip, style, output, resume=True, on_frame=reports.append)
    assert [report.index for report in reports] == [4, 5]
    assert names(tmp_path) == ["clip.mkv", "out.mkv", "style.png"]


@pytest.mark.parametrize(("name", "content"), [*ODD, ("job.json", DEEP), ("job.json", '{"version": 1}')])
def test_odd_files_alone_are_no_work(clip, style, tmp_path, name, content, capsys):
    output = tmp_path / "out.mkv"
    state_folder(output).mkdir()
    (state_folder(output) / name).write_text(content)
    code = run(str(clip), str(style), str(output), *IDENTITY, "--resume")
    assert code in (0, 2)
    said = capsys.readouterr().err
    assert "Error" not in said
    assert code == (2 if name == "000009.json" else 0), said


@pytest.mark.parametrize("content", [DEEP, "[]", '{"settings": ' + DEEP, "a = " + DEEP])
def test_odd_settings_are_refused_in_one_line(clip, style, tmp_path, content, capsys):
    (tmp_path / "odd.toml").write_text(content)
    words = [str(clip), str(style), str(tmp_path / "out.mkv"), *IDENTITY, "--config", str(tmp_path / "odd.toml")]
    assert run(*words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
