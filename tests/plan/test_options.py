"""Options that would do nothing, or break late, are refused before the work; a comment opens no file."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.helpers import media
from tests.helpers.jobs import PLAIN, STYLED, made, names, planned, run
from videostyle.errors import InputError
from videostyle.media.provenance import read_comment
from videostyle.sources import read_made
from videostyle.style.features import builtin, weights

IDENTITY = ["--iterations", "0", "--first-iterations", "0", "--device", "cpu"]


@pytest.fixture
def masks(tmp_path):
    paths = [tmp_path / "left.png", tmp_path / "right.png"]
    for path in paths:
        media.write_picture(path)
    return tuple(map(str, paths))


def test_a_mix_beside_masks_is_refused(clip, style, tmp_path, masks):
    settings = STYLED.override(content_masks=masks, style_mix=(1.0, 2.0))
    with pytest.raises(InputError, match="leave one out"):
        planned(clip, [style, style], tmp_path / "out.mkv", settings)
    planned(clip, [style, style], tmp_path / "out.mkv", settings.override(style_mix=(1.0, 1.0)))


def test_an_attention_map_of_what_is_not_styled_is_refused(clip, style, tmp_path):
    with pytest.raises(InputError, match="nothing is styled"):
        planned(clip, style, tmp_path / "out.mkv", PLAIN, attention_map=tmp_path / "map.png")


def test_workers_beside_into_are_refused(clip, style, tmp_path):
    made(clip, style, tmp_path / "out.mkv")
    with pytest.raises(InputError, match="one after another"):
        planned(clip, style, tmp_path / "out.mkv", PLAIN.override(workers=2), into=True)


def test_passes_over_a_picture_are_refused(style, tmp_path):
    with pytest.raises(InputError, match="a picture has one"):
        planned(style, style, tmp_path / "out.png", STYLED.override(passes=2))


def test_matching_without_a_layer_that_sees_things_is_refused(clip, style, tmp_path):
    settings = STYLED.override(match_weight=1.0, style_layers=("relu1_1", "relu2_1"))
    with pytest.raises(InputError, match="relu3_1"):
        planned(clip, style, tmp_path / "out.mkv", settings)


def test_a_black_style_mask_is_refused(clip, style, tmp_path):
    from cv2 import imwrite

    imwrite(str(tmp_path / "black.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="black all over"):
        planned(clip, style, tmp_path / "out.mkv", STYLED.override(style_masks=(str(tmp_path / "black.png"),)))


# --- comments


def test_a_result_names_files_by_name_and_digest(clip, style, tmp_path):
    (tmp_path / "private").mkdir()
    start = media.write_picture(tmp_path / "private" / "start.png")
    made(clip, style, tmp_path / "out.mkv", PLAIN.override(init=str(start)))
    comment = read_comment(tmp_path / "out.mkv")
    assert "private" not in comment
    said = json.loads(comment)["settings"]["init"]
    assert said["name"] == "start.png"
    assert said["digest"].startswith("sha256:")


@pytest.mark.parametrize("value", ["/etc/passwd", {"name": "start.png", "digest": "x"}, ["a"], 5])
@pytest.mark.parametrize("name", ["init", "content_masks", "style_masks", "weights"])
def test_a_comment_opens_no_file(tmp_path, name, value):
    comment = json.dumps({"settings": {name: [value] if name.endswith("masks") else value}})
    with pytest.raises(InputError, match="with that file, or another"):
        read_made(comment, tmp_path / "film.mp4")
    assert read_made(comment, tmp_path / "film.mp4", {name}) == {}


def test_a_film_made_with_files_is_repeated_with_those_that_are_said(clip, style, tmp_path, capsys):
    start = media.write_picture(tmp_path / "start.png")
    made(clip, style, tmp_path / "out.mkv", PLAIN.override(init=str(start)))
    words = [str(clip), str(style), str(tmp_path / "again.mkv"), *IDENTITY, "--config", str(tmp_path / "out.mkv")]
    assert run(*words) == 2
    assert "say --init with that file" in capsys.readouterr().err
    assert "again.mkv" not in names(tmp_path)
    assert run(*words, "--init", str(start)) == 0


def test_cached_weights_of_other_bits_are_made_anew(caplog):
    cached = weights.user_cache_path("videostyle") / f"builtin-{builtin.VERSION}.safetensors"
    weights.load("builtin", ["relu1_1"])
    tensors = {name: array.copy() for name, array in load_file(cached).items()}
    tensors["features.0.weight"].view(np.uint32)[0, 0, 0, 0] ^= 1
    save_file(tensors, cached)
    assert builtin.digest(weights.load("builtin", ["relu1_1"]).tensors) == builtin.DIGEST
    assert "made anew" in caplog.text
    caplog.clear()
    weights.load("builtin", ["relu1_1"])
    assert not caplog.records
