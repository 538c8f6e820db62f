"""A video file → frames."""

import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.copies import read
from videostyle.errors import InputError
from videostyle.frames import Span
from videostyle.media.probe import probe


def test_every_frame_comes_as_it_was_put_in(clip):
    frames = read(clip)
    for frame, image in zip(frames, media.panning(6), strict=True):
        np.testing.assert_array_equal(frame.pixels, image)
    assert [frame.seconds for frame in frames] == media.shown(clip)[1]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_clip_is_read_upright(tmp_path, rotation):
    images = media.panning(2)
    path = media.write_clip(tmp_path / "turned.mp4", images, codec="libx264", sound=None, rotation=rotation)
    clip = probe(path)
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0))
        turns = round(stored.rotation / 90) % 4
    assert turns
    assert (clip.width, clip.height) == ((48, 64) if turns % 2 else (64, 48))
    assert media.psnr(read(path)[0].pixels, np.rot90(images[0], turns)) > 30


def test_a_mirrored_clip_is_read_as_it_is_shown(tmp_path):
    images = media.panning(1)
    for rotation, mirrored, shown in ((0, True, images[0][:, ::-1]), (180, True, images[0][::-1])):
        path = media.write_clip(
            tmp_path / "m.mp4", images, codec="libx264", sound=None, rotation=rotation, mirrored=mirrored
        )
        assert media.psnr(read(path)[0].pixels, shown) > 30


@pytest.mark.parametrize(
    ("span", "indices"),
    [
        (Span(2, 4), [2, 3]),
        (Span(4), [4, 5]),
        (Span(0, 99), [0, 1, 2, 3, 4, 5]),
        (Span(start=Fraction(1, 12)), [2, 3, 4, 5]),
        (Span(start=Fraction(1, 12), end=Fraction(4, 24)), [2, 3]),
    ],
)
def test_a_span_holds_its_first_and_not_its_last_frame(tmp_path, span, indices):
    path = media.write_clip(tmp_path / "c.mp4", media.panning(6), codec="libx264")
    assert [frame.index for frame in read(path, span)] == indices


def test_a_span_without_a_frame_is_refused(clip):
    with pytest.raises(InputError, match="about 6"):
        read(clip, Span(start=Fraction(99)))
    with pytest.raises(InputError, match="no frame"):
        Span(5, 5)


def test_frames_without_a_time_of_their_own_get_one(tmp_path):
    path = media.write_clip(tmp_path / "raw.h264", media.panning(12), codec="libx264", sound=None)
    frames = read(path)
    assert len(frames) == 12
    assert all(a.seconds < b.seconds for a, b in pairwise(frames))


def test_transparency_of_a_video_is_laid_on_white_and_logged(tmp_path, caplog):
    path = tmp_path / "clear.mov"
    with av.open(str(path), "w") as container:
        film = container.add_stream("png", rate=24, width=32, height=32, pix_fmt="rgba")
        picture = np.zeros((32, 32, 4), np.uint8)
        picture[:, :16] = (200, 10, 10, 255)
        container.mux(film.encode(av.VideoFrame.from_ndarray(picture, format="rgba")))
    pixels = read(path)[0].pixels
    assert pixels[0, 0].tolist() == [200, 10, 10]
    assert pixels[0, 31].tolist() == [255, 255, 255]
    assert "transparent" in caplog.text


def test_an_interlaced_video_is_deinterlaced_frame_for_frame_and_logged(tmp_path, caplog):
    path = tmp_path / "combed.ts"
    images = media.panning(8, step=6)
    with av.open(str(path), "w") as container:
        film = container.add_stream("mpeg2video", rate=25, width=64, height=48, pix_fmt="yuv420p")
        film.codec_context.flags |= av.codec.context.Flags.interlaced_dct
        film.codec_context.bit_rate = 4_000_000
        for k, (one, other) in enumerate(pairwise(images)):
            combed = one.copy()
            combed[1::2] = other[1::2]
            frame = av.VideoFrame.from_ndarray(combed, format="rgb24").reformat(format="yuv420p")
            frame.pts = k
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
    frames = read(path)
    assert [b.seconds - a.seconds for a, b in pairwise(frames)] == [Fraction(1, 25)] * 6
    assert "interlaced" in caplog.text
    combs = [np.abs(np.diff(p.astype(float), axis=0)).mean() for p in (frames[3].pixels, media.shown(path)[0][3])]
    assert combs[0] < combs[1] / 1.5


def test_reading_does_not_hang_beside_torchvision(tmp_path):
    """Frame threads, an early stop and torchvision together can hang at exit."""
    path = media.write_clip(tmp_path / "b.mp4", media.panning(40), codec="libx264", sound=None)
    program = (
        "import torchvision, sys; from pathlib import Path; from videostyle.media.reader import read_frames;"
        "from videostyle.frames import Span; from videostyle.media.probe import probe; clip = probe(Path(sys.argv[1]));"
        "frames = read_frames(clip, (64, 48), Span()); next(frames); frames.close()"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)
