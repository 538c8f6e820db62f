"""Numbered images in place of a video, in and out."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

import videostyle
from tests.helpers import media
from tests.helpers.images import imread_rgba, noise
from tests.helpers.jobs import UNTOUCHED, command, copied, names
from videostyle.cli.parse import parse_rate
from videostyle.errors import InputError, MediaError, OutputError, UnreadableError
from videostyle.frames import Span
from videostyle.media import sequence


@pytest.fixture
def shot(tmp_path):
    """Four pictures of a pan, numbered from 9."""
    folder = tmp_path / "shot"
    folder.mkdir()
    for number, image in enumerate(media.panning(4), 9):
        Image.fromarray(image).save(folder / f"shot.{number:04d}.png")
    (folder / "shot.1.png").write_bytes(b"of no sequence")
    return folder / "shot.%04d.png"


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def picture(path):
    return np.asarray(Image.open(path))


def test_a_number_has_its_place_in_a_name(tmp_path):
    assert sequence.numbered(tmp_path / "a.%04d.png", 7) == tmp_path / "a.0007.png"
    assert sequence.numbered(tmp_path / "%da.png", 12) == tmp_path / "12a.png"
    for name in ("a.png", "a%.png", "%d%d.png", "%4x.png"):
        assert not sequence.is_sequence(tmp_path / name)
    (tmp_path / "100%d.png").touch()
    assert not sequence.is_sequence(tmp_path / "100%d.png")
    for name in ("n8.png", "n9.png", "n10.png", "n010.png", "n.png", "n11.jpg"):
        (tmp_path / name).touch()
    assert sequence.numbers(tmp_path / "n%d.png") == [8, 9, 10]
    assert sequence.numbers(tmp_path / "none" / "n%d.png") == []


def test_numbered_images_keep_their_numbers_and_pixels(shot, style, out):
    summary = copied(shot, style, out / "new_%03d.tif")
    assert (summary.frames, summary.size) == (4, (64, 48))
    assert names(out) == ["new_009.tif", "new_010.tif", "new_011.tif", "new_012.tif"]
    for image, name in zip(media.panning(4), names(out), strict=True):
        np.testing.assert_array_equal(picture(out / name), image)


@pytest.mark.parametrize(("suffix", "read"), [(".png", imread_rgba), (".tif", tifffile.imread)])
def test_16_bits_and_transparency_go_from_sequence_to_sequence(tmp_path, style, out, suffix, read):
    frames = [noise(12, 16, 4, seed=seed) | 1 for seed in range(3)]
    for number, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f"f{number}.png"), frame[..., [2, 1, 0, 3]])
    copied(tmp_path / "f%d.png", style, out / f"o%d{suffix}")
    for number, frame in enumerate(frames):
        np.testing.assert_array_equal(read(out / f"o{number}{suffix}"), frame)


def test_16_bit_images_are_styled_along_their_motion(tmp_path, style, out):
    for number, image in enumerate(media.panning(3, 48, 32)):
        cv2.imwrite(str(tmp_path / f"f{number}.tif"), image[..., ::-1].astype(np.uint16) * 257)
    few = videostyle.Settings(weights="builtin", iterations=1, first_iterations=2, device="cpu")
    told = []
    videostyle.stylize_video(tmp_path / "f%d.tif", style, out / "%d.tif", few, on_frame=told.append)
    assert "temporal" in told[-1].losses
    made = tifffile.imread(out / "2.tif")
    assert made.dtype == np.uint16
    assert len(np.unique(made % 257)) > 100  # not 8 bits in disguise


def test_a_video_becomes_images_from_1(clip, style, out, caplog):
    copied(clip, style, out / "f%02d.png")
    assert names(out) == [f"f{n:02d}.png" for n in range(1, 7)]
    for image, name in zip(media.panning(6), names(out), strict=True):
        np.testing.assert_array_equal(picture(out / name), image)
    assert "no sound" in caplog.text


@pytest.mark.parametrize("fps", [None, "24000/1001", "12.5"])
def test_images_become_a_video_at_the_rate_asked_for(shot, style, out, fps):
    copied(shot, style, out / "film.mp4", fps=None if fps is None else parse_rate(fps))
    images, times = media.shown(out / "film.mp4")
    rate = Fraction(fps or 24)
    assert times == [n / rate for n in range(4)]
    assert min(media.psnr(a, b) for a, b in zip(images, media.panning(4), strict=True)) > 30
    with av.open(str(out / "film.mp4")) as container:
        assert not container.streams.audio
        assert container.streams.video[0].codec_context.colorspace == 1


def test_images_of_16_bits_with_holes_become_a_video_on_white(tmp_path, style, out, caplog):
    rgba = np.full((32, 48, 4), 40_000, np.uint16)
    rgba[:, 24:, 3], rgba[:, :24, 3] = 0, 65535
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"f{number}.png"), rgba)
    untouched = UNTOUCHED.override(codec="ffv1")
    videostyle.stylize_video(tmp_path / "f%d.png", style, out / "film.mkv", untouched)
    image = media.shown(out / "film.mkv")[0][1]
    assert (set(image[:, :24].ravel()), set(image[:, 24:].ravel())) == ({156}, {255})
    assert sum("laid on white" in record.message for record in caplog.records) == 1


def test_a_range_is_of_positions_and_keeps_the_numbers(shot, style, out):
    assert copied(shot, style, out / "%d.png", span=Span(1, 3)).frames == 2
    assert names(out) == ["10.png", "11.png"]
    copied(shot, style, out / "%d.png", span=Span(start=Fraction(3, 24)))
    assert names(out) == ["10.png", "11.png", "12.png"]
    with pytest.raises(InputError, match="it has 4"):
        copied(shot, style, out / "%d.png", span=Span(4))


def test_a_gap_is_refused_by_its_number(shot, style, out):
    sequence.numbered(shot, 10).unlink()
    with pytest.raises(UnreadableError, match=r"shot\.0010\.png.* missing"):
        copied(shot, style, out / "%d.png")


def test_images_of_two_sizes_are_refused(shot, style, out):
    Image.new("RGB", (60, 48)).save(sequence.numbered(shot, 11))
    with pytest.raises(UnreadableError, match=r"shot\.0011\.png.*60x48.*64x48"):
        copied(shot, style, out / "%d.png")


def test_what_exists_is_kept_unless_asked(shot, clip, style, out):
    for name in ("3.png", "12.png"):
        (out / name).write_bytes(b"old")
    with pytest.raises(OutputError, match=r"12\.png.*--overwrite"):
        copied(shot, style, out / "%d.png")
    with pytest.raises(OutputError, match=r"3\.png.*--overwrite"):
        copied(clip, style, out / "%d.png")
    copied(clip, style, out / "%d.png", span=Span(3, 6))  # to 4, 5 and 6
    copied(shot, style, out / "%d.png", overwrite=True)
    assert names(out) == sorted(f"{n}.png" for n in (3, 4, 5, 6, 9, 10, 11, 12))
    assert picture(out / "12.png").shape == (48, 64, 3)


def test_no_image_of_the_source_is_written_over(shot, style):
    for output in (shot, shot.with_name("shot.00%02d.png")):
        with pytest.raises(OutputError, match="input"):
            copied(shot, style, output, overwrite=True)


def test_a_damaged_image_ends_the_work_at_once_and_leaves_only_what_is_whole(shot, style, out):
    last = sequence.numbered(shot, 12)
    last.write_bytes(last.read_bytes()[:-200])
    with pytest.raises(MediaError, match=r"shot\.0012\.png"):
        copied(shot, style, out / "%d.png")
    for name in names(out):
        assert name in ("9.png", "10.png", "11.png")
        np.testing.assert_array_equal(picture(out / name), picture(sequence.numbered(shot, int(name.split(".")[0]))))


def test_the_command_knows_sequences(shot, style, clip, out):
    said = command(shot, style, out / "o.%04d.png", "--frames", "1:2")
    assert "1 frame in" in said
    assert names(out) == ["o.0010.png"]
    command(shot, style, out / "film.mp4", "--fps", "30000/1001")
    assert media.shown(out / "film.mp4")[1][1] == Fraction(1001, 30000)
    before = names(out)
    for words, why in [
        ((clip, style, out / "new.mp4", "--fps", 24), "--fps"),
        ((shot, style, out / "new.mp4", "--fps", "fast"), "24000/1001"),
        ((shot, style, out / "new.mp4", "--fps", "24/0"), "24000/1001"),
        ((shot, style, out / "new.png"), "out.%04d.png"),
        ((shot, style, out), "%04d"),
        ((shot.with_name("none.%04d.png"), style, out / "new.mp4"), "none.0001.png"),
        ((style, style, out / "new.%d.png"), "without a number"),
    ]:
        assert why in command(*words, code=2)
    assert names(out) == before
