"""A look file stands where a painting stands: films, ranges, resumed jobs, pictures, and what is refused."""

import json
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

import videostyle
from tests.helpers import media
from tests.helpers.jobs import SHORT, StopError, Watch, packets, planned
from tests.network.test_file import HEADER
from tests.network.test_net import trained
from tests.test_cli import command, refusal
from videostyle.media.provenance import read_comment
from videostyle.network.file import LookHeader, save_network
from videostyle.render.run import run


@pytest.fixture
def look(tmp_path):
    save_network(tmp_path / "look.safetensors", trained(), HEADER)
    return tmp_path / "look.safetensors"


@pytest.fixture
def pan(tmp_path):
    return media.write_clip(tmp_path / "pan.mkv", media.panning(12), sound=None)


def test_a_look_is_trained_and_styles_a_film_with_its_sound(clip, style, tmp_path):
    look, output = tmp_path / "look.safetensors", tmp_path / "out.mp4"
    done = command(
        "train", clip, style, "-o", look, "--steps", 2, "--weights", "builtin", "--picture", tmp_path / "p.png"
    )
    assert "2 steps" in done.stdout
    header = LookHeader.read(look)
    assert (header.steps, header.size, header.styles[0]["name"]) == (2, 64, style.name)
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.width > picture.height
    command(clip, look, output)
    assert len(media.shown(output)[0]) == 6
    assert media.sound_packets(output)
    assert json.loads(read_comment(output))["styles"] == ["look.safetensors"]
    assert "exists" in refusal("train", clip, style, "-o", look, "--steps", 2)


def test_a_stopped_film_is_the_film_that_was_not(pan, look, tmp_path):
    whole, broken = tmp_path / "whole.mkv", tmp_path / "broken.mkv"
    settings = videostyle.Settings()
    run(planned(pan, look, whole, settings, limits=SHORT))
    with pytest.raises(StopError):
        run(planned(pan, look, broken, settings, limits=SHORT), Watch(stop=6))
    watch = Watch()
    run(planned(pan, look, broken, settings, limits=SHORT, resume=True), watch)
    assert 0 < len(watch.reports) < 12
    assert packets(broken) == packets(whole)


def test_a_film_is_steadier_than_its_frames_alone(pan, look, tmp_path):
    settings = videostyle.Settings(codec="ffv1")
    errors = {}
    for name, alone in (("followed", False), ("alone", True)):
        run(planned(pan, look, tmp_path / f"{name}.mkv", settings.override(independent=alone)))
        images = [image.astype(float) for image in media.shown(tmp_path / f"{name}.mkv")[0]]
        errors[name] = np.mean([np.abs(b[:, :-2] - a[:, 2:]).mean() for a, b in pairwise(images)])
    assert errors["followed"] < 0.8 * errors["alone"]


def test_strength_leads_to_the_content(clip, look, tmp_path):
    settings = videostyle.Settings(codec="ffv1", strength=0)
    run(planned(clip, look, tmp_path / "out.mkv", settings))
    for made, there in zip(media.shown(tmp_path / "out.mkv")[0], media.panning(6), strict=True):
        np.testing.assert_array_equal(made, there)


def test_a_look_of_another_size_is_told(clip, look, tmp_path, caplog):
    planned(clip, look, tmp_path / "out.mkv", videostyle.Settings())
    assert not caplog.messages
    planned(clip, look, tmp_path / "out.mkv", videostyle.Settings(size=128))
    assert ["train it with --size 128" in line for line in caplog.messages] == [True]


def test_another_look_of_the_same_name_is_another_job(clip, look, tmp_path):
    plan = planned(clip, look, tmp_path / "out.mkv", videostyle.Settings())
    save_network(look, trained(seed=1), HEADER)
    assert planned(clip, look, tmp_path / "out.mkv", videostyle.Settings()).job != plan.job


def test_a_picture_is_styled(look, tmp_path):
    photo = media.write_picture(tmp_path / "photo.png", 40, 30)
    command(photo, look, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as made, Image.open(photo) as there:
        assert made.size == there.size
        assert np.abs(np.asarray(made).astype(int) - np.asarray(there)).mean() > 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--passes", 3], "--passes"),
        (["--content-masks", "look.safetensors"], "masks"),
        (["--attention-map", "a.png"], "attention"),
    ],
)
def test_what_a_look_does_not_know_is_refused(clip, look, tmp_path, more, said):
    assert said in refusal(clip, look, tmp_path / "out.mkv", *more)


def test_a_look_stands_alone_and_styles_no_directory(clip, style, look, tmp_path):
    assert "name it alone" in refusal(clip, look, style, tmp_path / "out.mkv")
    media.write_picture(tmp_path / "photos.png", 40, 30)
    assert "one at a time" in refusal(str(tmp_path / "*.png"), look, f"{tmp_path}/out/")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "out.mp4"], "ends in .safetensors"),
        (["-o", "out.safetensors", "--steps", 0], "1 or more"),
        (["-o", "out.safetensors", "--size", 16], "larger --size"),
        (["-o", "out.safetensors", "--normalization", "none", "--style-loss", "gram"], "energy"),
    ],
)
def test_what_cannot_be_trained_is_refused(clip, style, words, said):
    assert said in refusal("train", clip, style, "--weights", "builtin", *words)


def test_a_training_needs_a_content_and_a_style(clip):
    assert "give a content and a style" in refusal("train", clip, "-o", "out.safetensors")
