"""Every trap of the corpus through identity mode, judged by a reader that is not ours."""

import logging
import socket
from fractions import Fraction

import av
import numpy as np
import pytest

import videostyle
from tests.helpers import corpus, media
from tests.helpers.bars import TAGS, bars, stored
from tests.helpers.facts import facts, probed_times
from videostyle.frames import Span

UNTOUCHED = videostyle.Settings(iterations=0, first_iterations=0)
AUDIO_FRAME = Fraction(1152, 44100)
PAIRS = [pytest.param(case, suffix, id=case.name + suffix) for case in corpus.CASES for suffix in case.output]

ENCODED = {".mp4": ("hevc", "hvc1"), ".mov": ("hevc", "hvc1"), ".webm": ("libdav1d", "\0\0\0\0")}

pytestmark = pytest.mark.corpus


@pytest.mark.parametrize(("case", "suffix"), PAIRS)
def test_a_copy_of_every_trap_is_true_to_it(tmp_path, style, caplog, case, suffix):
    source, output = case.make(tmp_path / case.name), tmp_path / f"out{suffix}"
    with caplog.at_level(logging.WARNING):
        summary = videostyle.stylize_video(source, style, output, UNTOUCHED)
    before, after = facts(source), facts(output)
    check_notices(case, suffix, caplog.messages)
    check_times(case, suffix, before, after)
    check_pictures(case, before, after)
    check_sounds(case, suffix, before, after)
    assert summary.frames == len(after.times)
    seen = probed_times(output)
    assert seen is None or seen == pytest.approx([float(t) for t in after.times], abs=1e-4)
    assert ("data" in after.streams) == (case.name == "timecode.mov")  # a track of timecode, and no other


def check_notices(case, suffix, said):
    expected = [*case.says, *(f"transcoded to {case.codecs[key].upper()}" for key in case.codecs if key == suffix)]
    for words in expected:
        assert any(words in line for line in said), said
    assert len(said) <= len(expected) + (1 if case.name.startswith(("hurt", "cut")) else 0), said


def check_times(case, suffix, before, after):
    zero = min([before.times[0], *(sound.begin for sound in before.sounds)]) if case.moved else 0
    expected = [time - zero for time in before.times]
    if case.name == "same_time.mkv":
        expected[2] += corpus.MS
    if suffix in (".mkv", ".webm") and any(sound.codec == "aac" for sound in before.sounds):
        late = after.times[0] - expected[0]  # Matroska has no time before 0, where AAC begins
        assert -corpus.MS <= late <= AUDIO_FRAME
        expected = [time + late for time in expected]
    exact = suffix in (".mp4", ".mov")
    tolerance = 0 if exact and not case.moved else Fraction(1, 1000)
    assert len(after.times) == len(expected)
    assert max(abs(a - b) for a, b in zip(after.times, expected, strict=True)) <= tolerance
    if exact:
        last = before.last or Fraction(1, 24)
        ends = [after.times[-1] + last, *(sound.end for sound in after.sounds)]
        assert abs(after.start + after.duration - max(ends)) <= (AUDIO_FRAME if after.sounds else Fraction(1, 500))


def check_pictures(case, before, after):
    width, height = before.size
    assert after.size == ((width + width % 2, height + height % 2) if case.padded else (width, height))
    assert after.aspect == before.aspect
    if case.alike is not None:
        for k in (0, len(before.pictures) // 2, -1):
            assert media.psnr(after.pictures[k][:height, :width], before.pictures[k]) > case.alike
    if "rgb" not in before.pixel_format and not before.pixel_format.startswith(("bgr", "gray", "pal")):
        assert after.tags[:3] == before.tags[:3]


def check_sounds(case, suffix, before, after):
    assert len(after.sounds) == len(before.sounds)
    shift = after.times[0] - before.times[0]
    for old, new in zip(before.sounds, after.sounds, strict=True):
        transcoded = suffix in case.codecs
        assert new.codec == case.codecs.get(suffix, old.codec)
        if not transcoded and case.name != "broadcast.ts":  # whose AAC has headers that MP4 and Matroska do without
            assert new.packets == old.packets
        assert abs(new.begin - old.begin - shift) <= AUDIO_FRAME
        assert abs(new.end - old.end - shift) <= AUDIO_FRAME


@pytest.mark.parametrize("name", ["PQ", "HLG", "BT.709", "full range"])
def test_ten_bit_comes_through_with_its_tags_and_levels(tmp_path, style, name):
    source = bars(tmp_path / "bars.mkv", TAGS[name], "yuv420p10le")
    for codec, suffix in (("auto", ".mp4"), ("hevc", ".mov"), ("av1", ".webm")):
        output = tmp_path / f"out{suffix}"
        videostyle.stylize_video(source, style, output, UNTOUCHED.override(codec=codec))
        (_, tags, levels), (frame, kept, found) = stored(source), stored(output)
        assert kept == tags == TAGS[name]
        assert frame.format.components[0].bits == 10
        with av.open(str(output)) as container:
            video = container.streams.video[0]
            assert (video.codec_context.name, video.codec_context.codec_tag) == ENCODED[suffix]
        assert np.abs(found - levels).max() <= 2


def test_a_hole_in_sound_that_is_encoded_again_stays_as_long(tmp_path, style):
    source = corpus.film(tmp_path / "hole.mkv", pts=range(24), sound="flac", hole=0.5, seconds=1)
    videostyle.stylize_video(source, style, tmp_path / "out.webm", UNTOUCHED)
    _, sound = media.samples(tmp_path / "out.webm")
    loud = [np.abs(sound[round(48000 * t) :][:2400]).max() > 0.1 for t in (0.2, 0.7, 0.9, 1.2)]
    assert loud == [True, False, False, True]


# --- what is refused


def no_picture(path):
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=24, width=64, height=48, pix_fmt="yuv420p")
        media.write_tone(container, container.add_stream("aac", rate=44100, layout="mono"), 0.2)
        assert film.index == 0


def sound_only(path):
    with av.open(str(path), "w") as container:
        media.write_tone(container, container.add_stream("aac", rate=44100, layout="mono"), 0.2)


def without_index(path):
    corpus.film(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def gif_bomb(path):
    head = b"GIF89a" + (60000).to_bytes(2, "little") * 2 + b"\x80\x00\x00" + bytes(6)
    image = b"," + bytes(4) + (60000).to_bytes(2, "little") * 2 + b"\x00\x02\x02D\x01\x00;"
    path.write_bytes(head + image)


REFUSED = {
    "empty.mp4": lambda path: path.write_bytes(b""),
    "garbage.mp4": lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
    "words.mkv": lambda path: path.write_text("not a film at all\n" * 50),
    "zeros.mov": lambda path: path.write_bytes(bytes(5000)),
    "no_index.mp4": without_index,
    "sound.mp4": sound_only,
    "no_frame.mp4": no_picture,
    "bomb.gif": gif_bomb,
    "playlist.mp4": lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts\n"),
    "local_list.mp4": lambda path: path.write_text(f"#EXTM3U\n#EXTINF:1,\n{corpus.film(path.with_name('a.ts'))}\n"),
    "concat.mp4": lambda path: path.write_text(f"ffconcat version 1.0\nfile {corpus.film(path.with_name('a.ts'))}\n"),
    "address.mp4": lambda path: path.write_text("http://127.0.0.1:{port}/a.mp4\n"),
    "dash.mp4": lambda path: path.write_text('<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>'),
    "session.mp4": lambda path: path.write_text("v=0\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_film_is_refused_in_one_line_and_asks_nobody(tmp_path, style, name):
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = tmp_path / name
        REFUSED[name](source)
        if b"{port}" in source.read_bytes():
            source.write_text(source.read_text().replace("{port}", str(server.getsockname()[1])))
        before = set(tmp_path.iterdir())
        with pytest.raises(videostyle.VideostyleError) as refusal:
            videostyle.stylize_video(source, style, tmp_path / "out.mp4", UNTOUCHED)
        assert refusal.value.exit_code == 2
        assert name in str(refusal.value)
        assert "\n" not in str(refusal.value)
        assert set(tmp_path.iterdir()) == before
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm"])
@pytest.mark.parametrize("codec", ["flac", "aac", "libopus", "libmp3lame"])
def test_a_click_in_a_range_is_heard_when_it_was_to_the_millisecond(tmp_path, style, codec, suffix):
    source = click(tmp_path / "click.mkv", codec, 0.75)
    span = Span(start=Fraction(1, 2), end=Fraction(1))
    videostyle.stylize_video(source, style, tmp_path / f"out{suffix}", UNTOUCHED, span=span)
    assert heard(tmp_path / f"out{suffix}") == pytest.approx(0.25 + (heard(source) - 0.75), abs=0.0015)


def click(path, codec, seconds):
    """A film in whose sound one short ripple stands at so many seconds."""
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=20, width=64, height=48, pix_fmt="yuv420p")
        voice = container.add_stream(codec, rate=48000, layout="mono")
        for k, image in enumerate(media.panning(30)):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = k
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
        time = np.arange(72000) / 48000 - seconds
        wave = 0.6 * np.exp(-((time / 0.001) ** 2)) * np.cos(time * 2 * np.pi * 1500)
        frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        container.start_encoding()
        even = av.AudioResampler(voice.format, voice.layout, 48000, voice.codec_context.frame_size or None)
        for piece in (*even.resample(frame), *even.resample(None)):
            container.mux(voice.encode(piece))
        container.mux(voice.encode(None))
    return path


def heard(path):
    """Seconds at which a file's sound is loudest, against the picture's first frame."""
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.audio[0]))
    loudest = max(frames, key=lambda f: np.abs(f.to_ndarray().astype(float)).max())
    samples = np.abs(loudest.to_ndarray().astype(float)).reshape(-1)
    return float(loudest.pts * loudest.time_base) + int(samples.argmax()) / loudest.sample_rate
