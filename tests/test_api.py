"""Videostyle in Python, without files."""

import numpy as np
import pytest

import videostyle
from tests.helpers import media
from videostyle.errors import InputError, SettingError
from videostyle.media.probe import probe
from videostyle.media.reader import read_frames

FEW = videostyle.Settings(weights="builtin", first_iterations=3, iterations=2, device="cpu")


def test_frames_in_frames_out_is_the_film_that_files_make(style, tmp_path):
    images = [*media.panning(5), *[255 - image for image in media.panning(4, seed=3)]]
    film = media.write_clip(tmp_path / "film.mkv", images, codec="ffv1", sound=None)
    videostyle.stylize_video(film, style, tmp_path / "out.mkv", FEW.override(codec="ffv1"))
    shown, _ = media.shown(tmp_path / "out.mkv")
    clip = probe(film)
    frames = read_frames(clip, (clip.width, clip.height), videostyle.Span())
    made = list(videostyle.stylize_frames((frame.pixels for frame in frames), style, FEW))
    assert len(made) == len(shown) == 9
    for image, other in zip(made, shown, strict=True):
        assert np.abs(image.astype(int) - other).max() <= 2  # the file's are 4:2:0 or rounded on the way


def test_frames_stream(style):
    asked = []

    def frames():
        for number, image in enumerate(media.panning(40)):
            asked.append(number)
            yield image

    stylized = videostyle.stylize_frames(frames(), style, FEW)
    first = next(stylized)
    assert first.shape == (48, 64, 3)
    assert len(asked) < 12
    stylized.close()


@pytest.mark.parametrize("images", [[np.zeros((8, 8), np.uint8)], [np.zeros((8, 8, 3))]])
def test_what_is_no_image_is_refused(style, images):
    with pytest.raises(InputError, match=r"give \(H, W, 3\) uint8 or uint16 RGB"):
        list(videostyle.stylize_frames(images, style, FEW))


@pytest.mark.parametrize("changes", [{"init": "a.png"}, {"passes": 3}, {"style_masks": ("m.png",)}])
def test_what_needs_files_or_all_frames_is_refused(style, changes):
    with pytest.raises(SettingError, match=next(iter(changes))):
        next(videostyle.stylize_frames(media.panning(2), style, FEW.override(**changes)))


def test_frames_have_one_size(style):
    images = [np.zeros((32, 48, 3), np.uint8), np.zeros((32, 40, 3), np.uint8)]
    with pytest.raises(InputError, match="frames of one size"):
        list(videostyle.stylize_frames(images, style, FEW))
