"""Sound of every number and order of channels, through whole films."""

import logging
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

import videostyle
from tests.helpers.jobs import UNTOUCHED
from videostyle.media.audio.layout import channels, read_layout

RATE = 48_000
LAYOUTS = ["mono", "stereo", "2.1", "5.1", "6.1", "7.1"]


def film_with_sound(path, layout, codec="pcm_s16le", level=0.1):
    """Write a second of film whose channel k is a tone of 200·(k + 1) Hz."""
    with av.open(str(path), "w") as target:
        video = target.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = target.add_stream(codec, rate=RATE)
        audio.layout = layout
        for k in range(24):
            picture = np.full((48, 64, 3), 10 * k, np.uint8)
            target.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
        target.mux(video.encode(None))
        time = np.arange(RATE) / RATE
        count = av.AudioLayout(layout).nb_channels
        tones = np.stack([np.sin(2 * np.pi * 200 * (k + 1) * time) for k in range(count)], axis=1)
        samples = np.round(tones * level * 32767).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
        frame.sample_rate, frame.pts = RATE, 0
        for each in (frame, None):
            target.mux(audio.encode(each))
    return path


def heard(path):
    """Return the strongest frequency of every channel, read as packed samples, and the loudest sample."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        count = channels(stream)
        resampler = av.AudioResampler(format="flt", layout=frames[0].layout, rate=RATE)
        packed = [f.to_ndarray().reshape(-1, count) for frame in [*frames, None] for f in resampler.resample(frame)]
    samples = np.concatenate(packed)[: RATE // 2]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))[:, None], axis=0))
    return [round(float(k) * RATE / len(samples)) for k in spectrum.argmax(axis=0)], float(np.abs(samples).max())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("codec", "suffix"), [("flac", ".mkv"), ("pcm_s16le", ".mov")])
def test_a_range_keeps_every_channel_in_its_place(tmp_path, style, layout, codec, suffix):
    source = film_with_sound(tmp_path / f"in{suffix}", layout, codec)
    videostyle.stylize_video(
        source,
        style,
        tmp_path / f"out{suffix}",
        UNTOUCHED,
        span=videostyle.Span(start=Fraction(1, 5), end=Fraction(9, 10)),
    )
    tones, _ = heard(tmp_path / f"out{suffix}")
    expected = [200 * (k + 1) for k in range(av.AudioLayout(layout).nb_channels)]
    assert np.abs(np.subtract(tones, expected)).max() <= 4


@pytest.mark.parametrize("layout", ["stereo", "5.1"])
def test_pcm_from_matroska_goes_into_mp4_without_loss(tmp_path, style, layout, caplog):
    source = film_with_sound(tmp_path / "in.mkv", layout)
    with caplog.at_level(logging.WARNING):
        videostyle.stylize_video(source, style, tmp_path / "out.mp4", UNTOUCHED)
    tones, loudest = heard(tmp_path / "out.mp4")
    assert len(tones) == av.AudioLayout(layout).nb_channels
    assert loudest == pytest.approx(0.1, abs=0.002)
    assert any("ALAC" in line for line in caplog.messages)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "alac"


def test_eight_channels_stay_eight_in_mp4(tmp_path, style):
    source = film_with_sound(tmp_path / "in.mov", "7.1")
    videostyle.stylize_video(source, style, tmp_path / "out.mp4", UNTOUCHED)
    tones, _ = heard(tmp_path / "out.mp4")
    assert sorted(tones)[-1] > 1000
    assert len(tones) == 8


def test_pcm_stays_pcm_in_quicktime(tmp_path, style):
    source = film_with_sound(tmp_path / "in.mov", "stereo", "pcm_s24le")
    videostyle.stylize_video(source, style, tmp_path / "out.mov", UNTOUCHED)
    with av.open(str(tmp_path / "out.mov")) as container:
        assert container.streams.audio[0].codec_context.name == "pcm_s24le"


def test_a_channel_order_of_its_own_is_read_as_often_as_wanted(tmp_path):
    source = film_with_sound(tmp_path / "in.mov", "6.1")
    program = (
        "import av\n"
        "from videostyle.media.audio.layout import read_layout\n"
        f"with av.open({str(source)!r}) as container:\n"
        "    stream = container.streams.audio[0]\n"
        "    names = {read_layout(stream).nb_channels for _ in range(50)}\n"
        "    names |= {read_layout(frame).nb_channels for frame in container.decode(stream)}\n"
        "print(names)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "{7}", (done.returncode, done.stderr)


def test_channels_that_do_not_fit_are_told(tmp_path, style, caplog):
    source = film_with_sound(tmp_path / "in.mkv", "hexadecagonal")
    with caplog.at_level(logging.WARNING):
        videostyle.stylize_video(source, style, tmp_path / "out.mp4", UNTOUCHED)
    assert any("16 channels" in line and "mixed to stereo" in line for line in caplog.messages)


def test_the_layout_of_a_stream_is_ours_to_keep(tmp_path):
    with av.open(str(film_with_sound(tmp_path / "in.mov", "5.1"))) as container:
        layout = read_layout(container.streams.audio[0])
    assert layout.name == "5.1"
    assert layout.nb_channels == 6
