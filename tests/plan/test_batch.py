"""Many images in one job."""

import numpy as np
import pytest
from PIL import Image

import videostyle
from tests.helpers import media
from tests.helpers.images import opened
from tests.helpers.jobs import UNTOUCHED, Watch, command, names
from videostyle.errors import OutputError
from videostyle.plan.batch import make_batch
from videostyle.plan.request import Request
from videostyle.render import run as run_module


@pytest.fixture
def photos(tmp_path):
    """Three pictures in a directory, beside what is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(["b.jpg", "a.png", "c.tif"]):
        Image.fromarray(media.texture(32, 24, seed)).save(folder / name)
    (folder / "notes.txt").write_text("none")
    (folder / ".hidden.png").write_bytes(b"none")
    return folder


def planned(content, styles, output, **more):
    batch = make_batch(Request(content=content, styles=tuple(styles), output=output, settings=UNTOUCHED, **more))
    return [plan.request.output.name for plan in batch.plans]


def test_a_directory_of_images_becomes_another(photos, style, tmp_path):
    said = command(photos, style, f"{tmp_path}/new/out/")
    assert names(tmp_path / "new" / "out") == ["a.png", "b.png", "c.png"]
    assert "3 pictures in" in said
    np.testing.assert_array_equal(np.asarray(opened(tmp_path / "new/out/a.png")), media.texture(32, 24, 1))


def test_the_network_is_loaded_once_for_many(photos, style, tmp_path, monkeypatch):
    loads = []
    monkeypatch.setattr(run_module, "load_engines", lambda settings: loads.append(load(settings)) or loads[0])
    few = videostyle.Settings(weights="builtin", first_iterations=1, device="cpu")
    batch = make_batch(Request(content=photos, styles=(style, photos / "a.png"), output=tmp_path / "out", settings=few))
    watch = Watch()
    made = list(run_module.run_batch(batch, watch))
    assert [summary.output.name for summary in made][:3] == ["a_style.png", "a_a.png", "b_style.png"]
    assert (len(made), len(loads)) == (6, 1)
    assert sum(watch.work) == batch.work


load = run_module.load_engines


def test_patterns_and_single_images_go_into_a_directory_too(photos, style, tmp_path):
    (tmp_path / "out").mkdir()
    assert planned(photos / "*.[pt]*", [style], tmp_path / "out") == ["a.png", "c.png"]
    assert planned(photos / "b.jpg", [style], tmp_path / "out") == ["b.png"]
    assert planned(photos / "b.jpg", [photos], tmp_path / "out") == ["b_a.png", "b_b.png", "b_c.png"]
    command(photos / "b.jpg", style, tmp_path / "out")
    assert names(tmp_path / "out") == ["b.png"]


def test_without_a_directory_the_images_of_one_are_one_style(photos, tmp_path):
    command(photos / "a.png", photos, tmp_path / "out.png")
    assert [name in opened(tmp_path / "out.png").text["Comment"] for name in ("a.png", "b.jpg", "c.tif")] == [True] * 3


def test_two_results_of_one_name_are_refused(photos, style, tmp_path):
    (photos / "B.png").write_bytes((photos / "a.png").read_bytes())
    with pytest.raises(OutputError, match=r"B\.png and .*b\.jpg"):
        planned(photos, [style], tmp_path / "out")
    with pytest.raises(OutputError, match=r"style\.png"):
        planned(photos / "a.png", [style, style], tmp_path / "out")


def test_what_exists_is_kept_unless_asked(photos, style, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "c.png").write_bytes(b"old")
    assert "--overwrite" in command(photos, style, tmp_path / "out", code=2)
    assert names(tmp_path / "out") == ["c.png"]
    command(photos, style, tmp_path / "out", "--overwrite")
    assert opened(tmp_path / "out" / "c.png").size == (32, 24)


def test_no_input_is_overwritten(photos, style):
    with pytest.raises(OutputError, match="input"):
        planned(photos, [style], photos, overwrite=True)
    painting = style.rename(photos / "b.png")
    with pytest.raises(OutputError, match="input"):
        planned(photos / "b.jpg", [painting], photos, overwrite=True)


def test_what_is_finished_is_not_made_again(photos, style, tmp_path):
    out = tmp_path / "out"
    command(photos, style, f"{out}/")
    (out / "b.png").unlink()
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    said = command(photos, style, out, "--resume")
    assert "2 of 3 pictures are finished already" in said
    assert "1 picture in" in said
    assert before.items() < {path.name: path.stat().st_mtime_ns for path in out.iterdir()}.items()
    said = command(photos, style, out, "--resume")
    assert "3 of 3 pictures are finished already" in said
    assert "it exists" in command(photos, style, out, "--resume", "--seed", 1, code=2)
    assert "it exists" in command(photos, photos / "c.tif", out, "--resume", code=2)


@pytest.mark.parametrize("broken", [b"", None])
def test_a_broken_image_does_not_stop_the_others(photos, style, tmp_path, broken):
    whole = (photos / "b.jpg").read_bytes()
    (photos / "b.jpg").write_bytes(whole[: len(whole) // 2] if broken is None else broken)
    said = command(photos, style, f"{tmp_path}/out/", code=1)
    assert "b.jpg" in said
    assert "left out" in said
    assert "1 of 3 pictures" in said
    assert names(tmp_path / "out") == ["a.png", "c.png"]


def test_what_a_directory_cannot_take_is_refused_before_it_is_made(photos, style, clip, tmp_path):
    out = f"{tmp_path}/out/"
    assert "name the file" in command(photos / "notes.txt", style, out, code=2)
    assert "no such file" in command(tmp_path / "none.png", style, out, code=2)
    assert "no image" in command(photos / "*.gif", style, out, code=2)
    assert "name a directory" in command(photos, style, tmp_path / "out.png", code=2)
    assert "--frames" in command(photos, style, out, "--frames", "0:1", code=2)
    assert not (tmp_path / "out").exists()
