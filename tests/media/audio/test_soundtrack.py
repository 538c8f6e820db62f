"""Audio that is copied, cut or encoded anew; whose packets are damaged, out of order or of two kinds."""

import struct
from itertools import pairwise

import av
import numpy as np
import pytest

import videostyle
from tests.helpers import corpus, media
from tests.helpers.copies import copy
from tests.helpers.jobs import UNTOUCHED
from videostyle.frames import Span


@pytest.mark.parametrize(("suffix", "codec"), [(".mkv", "flac"), (".mov", "pcm_s16le"), (".mkv", "pcm_s16le")])
def test_lossless_audio_of_a_range_is_the_source_to_the_sample(tmp_path, suffix, codec):
    source = media.write_clip(tmp_path / f"c{suffix}", media.panning(24), codec="libx264", sound=codec)
    output = copy(source, tmp_path / f"out{suffix}", Span(4, 8), codec="h264")
    begins, sound = media.samples(output)
    begin, end = (media.shown(source)[1][k] for k in (4, 8))
    first, count = round(begin * 44100), round((end - begin) * 44100)
    assert begins == 0
    np.testing.assert_array_equal(sound, media.samples(source)[1][first : first + count])


def test_audio_that_the_container_refuses_becomes_opus(tmp_path, caplog):
    source = media.write_clip(tmp_path / "c.mkv", media.panning(24), sound="tta")
    output = copy(source, tmp_path / "out.webm", codec="vp9")
    assert "OPUS" in caplog.text
    with av.open(str(output)) as container:
        assert container.streams.audio[0].codec_context.name == "opus"
        seconds = sum(f.samples for f in container.decode(audio=0)) / 48000
    assert abs(seconds - 1) < 0.06


def with_noise(path, codec, kind, samples=1024):
    """A film whose sound uses every bit of samples of a kind, `s16` or `s32`; of the latter 24 bits."""
    noise = np.random.default_rng(0).integers(-(2**15), 2**15, (1, 2 * 48000))
    noise = noise.astype(np.int16) if kind == "s16" else (noise * 2**16 + noise[:, ::-1] * 2**8).astype(np.int32)
    with av.open(str(path), "w") as target:
        video = target.add_stream("libx264", rate=24, width=64, height=48, pix_fmt="yuv420p")
        audio = target.add_stream(codec, rate=48000, layout="stereo")
        audio.codec_context.format = av.AudioFormat(f"{kind}p" if codec in ("tta", "wavpack", "alac") else kind)
        resampler = av.AudioResampler(format=audio.format, layout="stereo", rate=48000, frame_size=samples)
        frame = av.AudioFrame.from_ndarray(noise, format=kind, layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        for image in media.panning(24):
            target.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        for each in (*resampler.resample(frame), *resampler.resample(None)):
            target.mux(audio.encode(each))
        target.mux(video.encode(None))
        target.mux(audio.encode(None))
    return path


def words(path):
    """The samples of a film, each as 32 bits."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s32", layout="stereo")
        frames = [each for frame in container.decode(audio=0) for each in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in frames])


@pytest.mark.parametrize("span", [Span(), Span(4, 20)])
@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".mp4"])
@pytest.mark.parametrize(
    ("codec", "kind"),
    [("flac", "s16"), ("flac", "s32"), ("wavpack", "s32"), ("pcm_s24le", "s32"), ("pcm_s16le", "s16")],
)
def test_lossless_audio_stays_so_to_the_last_bit(tmp_path, codec, kind, suffix, span):
    source = with_noise(tmp_path / "in.mkv", codec, kind)
    output = copy(source, tmp_path / f"out{suffix}", span, codec="h264")
    there, kept = words(source), words(output)
    first = round(48000 * (media.shown(source)[1][4] if not span.whole else 0))
    np.testing.assert_array_equal(kept, there[first : first + len(kept)])
    assert len(kept) >= (48000 if span.whole else 31900)
    assert there.any(axis=0).all()


def test_packets_that_share_a_millisecond_keep_their_times(tmp_path, caplog):
    source = with_noise(tmp_path / "in.mkv", "pcm_s16le", "s16", samples=40)
    output = copy(source, tmp_path / "out.mkv", codec="h264")
    there = media.sound_packets(source)
    assert len({time for time, _ in there}) < len(there) == 1200
    assert media.sound_packets(output) == there
    assert not caplog.messages


BLOCK = 0.005  # seconds


def blocks(path, kind):
    """Where each packet of a stream lies in a Matroska file; its time is in the four bytes before it."""
    data, at = path.read_bytes(), 0
    with av.open(str(path)) as container:
        for packet in container.demux(getattr(container.streams, kind)[0]):
            if packet.size:
                at = data.index(bytes(packet), at)
                yield at, packet.size
                at += packet.size


def moved(path, jumps, kind="audio"):
    """The times of some packets changed, by milliseconds."""
    data = bytearray(path.read_bytes())
    for number, (at, _) in enumerate(blocks(path, kind)):
        (time,) = struct.unpack(">h", data[at - 3 : at - 1])
        data[at - 3 : at - 1] = struct.pack(">h", time + jumps.get(number, 0))
    path.write_bytes(data)
    return path


def damaged(path, numbers, harm):
    data = bytearray(path.read_bytes())
    for number, (at, size) in enumerate(blocks(path, "audio")):
        if number in numbers:
            data[at : at + size] = harm(data[at : at + size])
    path.write_bytes(data)
    return path


def flipped(content):
    return content[:-40] + bytes([content[-40] ^ 0x55]) + content[-39:]


def tone(path, codec, seconds=1):
    return corpus.film(path, pts=range(0, 1000 * seconds, 40), base=corpus.MS, sound=codec)


def loud(path):
    """Whether each 5 ms of a tone are heard."""
    _, sound = media.samples(path)
    with av.open(str(path)) as container:
        length = round(BLOCK * container.streams.audio[0].rate)
    return np.abs(sound[: len(sound) // length * length]).reshape(-1, length).max(1) > 0.1


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("jumps", [{5: -23, 9: -23}, {5: -60, 12: -200}], ids=["twice", "back"])
def test_packets_of_audio_at_a_time_that_is_over_are_all_there(tmp_path, style, caplog, suffix, jumps):
    source = moved(tone(tmp_path / "film.mkv", "aac"), jumps)
    output = tmp_path / f"out{suffix}"
    videostyle.stylize_video(source, style, output, UNTOUCHED)
    if suffix == ".webm":
        assert loud(output)[4:-6].all()
        assert len(media.samples(output)[1]) / 48000 == pytest.approx(len(media.samples(source)[1]) / 44100, abs=0.021)
        return
    before, after = media.sound_packets(source), media.sound_packets(output)
    assert [data for _, data in after] == [data for _, data in before]
    assert all(a < b for (a, _), (b, _) in pairwise(after))
    late = after[0][0] - before[0][0]
    off = [n for n, ((a, _), (b, _)) in enumerate(zip(before, after, strict=True)) if abs(b - a - late) > corpus.MS]
    assert set(off) <= set(jumps)
    assert sum("not later than that before" in line for line in caplog.messages) == len(jumps)


def test_audio_whose_clock_falls_for_good_is_logged_a_few_times(tmp_path, style, caplog):
    source = moved(tone(tmp_path / "film.mkv", "aac", 2), dict.fromkeys(range(40, 99), -800))
    for suffix, said in ((".mkv", "and is moved"), (".webm", "left out")):
        caplog.clear()
        videostyle.stylize_video(source, style, tmp_path / f"out{suffix}", UNTOUCHED)
        assert sum(said in line for line in caplog.messages) == 10
        assert any("more damaged places" in line for line in caplog.messages)
    assert loud(tmp_path / "out.webm")[4:-6].all()


@pytest.mark.parametrize(
    ("codec", "numbers", "harm"),
    [
        ("flac", [4], lambda content: b"\xff" * len(content)),
        ("flac", [4], flipped),
        ("aac", range(18, 23), lambda content: bytes(len(content))),
        ("aac", range(18, 23), lambda content: b"\xff" * len(content)),
    ],
    ids=["flac", "a bit of flac", "aac", "aac that is strange"],
)
def test_damaged_audio_is_silence_for_as_long_and_is_logged(tmp_path, style, caplog, codec, numbers, harm):
    source = damaged(tone(tmp_path / "film.mkv", codec), numbers, harm)
    output = tmp_path / "out.webm"
    videostyle.stylize_video(source, style, output, UNTOUCHED)
    heard, length = loud(output), 4608 / 44100 if codec == "flac" else len(numbers) * 1024 / 44100
    begin = length * 4 if codec == "flac" else 17 * 1024 / 44100  # AAC's first packet comes before 0
    silent = np.flatnonzero(~heard[4:-6]) + 4
    assert silent[0] * BLOCK == pytest.approx(begin, abs=0.03)
    assert len(silent) * BLOCK == pytest.approx(length, abs=0.035)
    assert np.ptp(silent) == len(silent) - 1
    assert len(heard) * BLOCK == pytest.approx(1, abs=0.06)
    assert sum("replaced by silence" in line for line in caplog.messages) == len(numbers)


def test_damage_at_the_end_is_silence_too(tmp_path, style, caplog):
    source = damaged(tone(tmp_path / "film.mkv", "flac"), [8, 9], lambda content: b"\xff" * len(content))
    videostyle.stylize_video(source, style, tmp_path / "out.webm", UNTOUCHED)
    heard = loud(tmp_path / "out.webm")
    assert len(heard) * BLOCK == pytest.approx(1, abs=0.06)
    assert heard[4:-44].all()
    assert not heard[-36:].any()
    assert sum("replaced by silence" in line for line in caplog.messages) == 2


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mov"])
def test_a_track_that_cannot_be_decoded_is_silent_for_as_long_and_told_once(tmp_path, style, caplog, suffix):
    source = damaged(tone(tmp_path / "film.mkv", "flac"), range(10), lambda content: b"\xff" * len(content))
    output, span = tmp_path / f"out{suffix}", Span(0, 99)
    videostyle.stylize_video(source, style, output, UNTOUCHED, span=span)
    heard = loud(output)
    assert not heard.any()
    assert len(heard) * BLOCK == pytest.approx(1, abs=0.06)
    assert [line for line in caplog.messages if "silen" in line] == [
        "the flac audio cannot be decoded; it is silent for as long as it lasts"
    ]


def test_audio_that_becomes_another_kind_goes_on(tmp_path, style):
    """A broadcast changes from two channels to six."""
    source, parts = tmp_path / "film.ts", []
    for k, layout in enumerate(("stereo", "5.1", "stereo")):
        pts = [3600 * (t + 10 * k) for t in range(10)]
        part = corpus.film(tmp_path / "part.ts", pts=pts, base=corpus.TS, sound="ac3", layout=layout, bframes=0)
        parts.append(part.read_bytes())
        part.unlink()
    source.write_bytes(b"".join(parts))
    videostyle.stylize_video(source, style, tmp_path / "out.webm", UNTOUCHED)
    heard = loud(tmp_path / "out.webm")
    assert len(heard) * BLOCK == pytest.approx(1.2, abs=0.07)
    assert heard[8:-8].mean() > 0.9


def test_subtitles_out_of_order_do_not_end_a_job(tmp_path, style, caplog):
    source = moved(media.write_full(tmp_path / "film.mkv"), {1: -850}, "subtitles")
    for suffix in (".mkv", ".mp4"):
        caplog.clear()
        videostyle.stylize_video(source, style, tmp_path / f"out{suffix}", UNTOUCHED, overwrite=True)
        assert [words for *_, words in media.texts(tmp_path / f"out{suffix}")] == ["hello", "world"]
        assert any("a subtitle that is not later" in line for line in caplog.messages)
