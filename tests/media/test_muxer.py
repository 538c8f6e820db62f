"""Packets and audio → a file: where packets lie, and what goes with them."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

import videostyle
from tests.helpers import corpus, media
from tests.helpers.copies import MADE, copy
from tests.helpers.jobs import UNTOUCHED, names, planned
from videostyle.errors import OutputError
from videostyle.frames import Span
from videostyle.media.audio.plan import plan_tracks
from videostyle.media.audio.tracks import Track
from videostyle.media.muxer import Muxer, check_output
from videostyle.media.probe import probe
from videostyle.media.video.codecs import choose


def test_a_range_starts_at_zero_with_its_own_audio(tmp_path):
    source = media.write_clip(tmp_path / "c.mp4", media.panning(48), codec="libx264", sound="aac")
    output = copy(source, tmp_path / "out.mp4", Span(12, 36), codec="h264")
    images, times = media.shown(output)
    assert times == [Fraction(t, 24) for t in range(24)]
    assert media.psnr(images[0], media.shown(source)[0][12]) > 32
    begins, sound = media.samples(output)
    assert begins == 0
    assert 44100 <= len(sound) < 44100 + 1024  # AAC comes in whole packets; the container says where the last one ends
    with av.open(str(output)) as container:
        assert [s.duration * s.time_base for s in container.streams] == [1, 1]
    errors = [np.std(sound[1000:43000] - media.samples(source)[1][23050 + lag : 65050 + lag]) for lag in (-1, 0, 1)]
    assert errors[1] < min(errors) + 1e-9 < 0.03


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".webm"])
@pytest.mark.parametrize("span", [Span(), Span(12, 36)])
def test_all_that_goes_with_a_video_goes_with_its_copy(tmp_path, caplog, suffix, span):
    source = media.write_full(tmp_path / "source.mkv")
    output = copy(source, tmp_path / f"out{suffix}", span, codec="vp9" if suffix == ".webm" else "h264")
    begin, end = (0, 2) if span.whole else (0.5, 1.5)
    with av.open(str(output)) as container:
        sounds, said = container.streams.audio, container.streams.audio[1].metadata
        assert [s.metadata["language"] for s in sounds] == ["eng", "ger" if suffix == ".mov" else "deu"]
        assert [s.disposition & av.stream.Disposition.default for s in sounds] == [0, 1]
        assert (said.get("title") or said.get("name")) == "Deutsch"
        assert container.metadata["title"] == "A film"
        parts = [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in container.chapters()]
        assert parts == [(0, 1 - begin), (1 - begin, end - begin)]
        assert [s.data for s in container.streams.attachments] == ([b"12345"] if suffix == ".mkv" else [])
    lines = [(start - round(1000 * begin), length, words) for start, length, words in media.LINES]
    for track in (0, 1):
        assert media.texts(output, track) == [line for line in lines if line[0] + line[1] > 0]
    if span.whole and suffix != ".webm":
        assert [d for _, d in media.sound_packets(output, 1)] == [d for _, d in media.sound_packets(source, 1)]
        assert ("flac audio does not" in caplog.text) == (suffix == ".mov")


def test_the_comment_is_in_the_file(clip, tmp_path):
    with av.open(str(copy(clip, tmp_path / "out.mp4", codec="h264"))) as container:
        assert container.metadata["comment"] == MADE


@pytest.mark.parametrize("name", ["out.xyz", "out", "out.webm", "missing/out.mp4"])
def test_where_a_video_cannot_go_is_refused_before_the_work(clip, tmp_path, name):
    before = set(tmp_path.iterdir())
    encoding = choose(tmp_path / "o.mp4", probe(clip).colors.for_video(), "h264")
    with pytest.raises(OutputError):
        check_output(tmp_path / name, probe(clip), (64, 48), encoding, [])
    assert set(tmp_path.iterdir()) == before


def test_a_track_that_a_container_refuses_only_at_its_end_is_refused_before_the_work(tmp_path):
    """The order of channels of PCM in MP4 is refused when the index is written."""
    source, output = corpus.film(tmp_path / "film.mkv", sound="pcm_s16le", layout="stereo"), tmp_path / "out.mp4"
    encoding = choose(output, probe(source).colors.for_video(), "h264")
    check_output(output, probe(source), (64, 48), encoding, [])
    with pytest.raises(OutputError, match=r"out\.mp4: \.mp4 cannot hold this"):
        check_output(output, probe(source), (64, 48), encoding, [Track(1, "pcm_s16le")])
    assert names(tmp_path) == ["film.mkv"]


def test_a_size_that_the_encoder_refuses_is_refused_before_the_work(clip, tmp_path, style):
    with pytest.raises(OutputError):
        planned(clip, style, tmp_path / "out.mp4", UNTOUCHED.override(codec="hevc", size=16))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".webm"])
def test_every_track_is_tried_with_a_packet(tmp_path, monkeypatch, suffix):
    source, tried = media.write_full(tmp_path / "full.mkv"), []
    output = tmp_path / f"out{suffix}"
    encoding = choose(output, probe(source).colors.for_video(), "auto")
    monkeypatch.setattr(Muxer, "discard", lambda muxer: tried.append(muxer._part))
    check_output(output, probe(source), (64, 48), encoding, plan_tracks(source, output))
    with av.open(str(tried[0])) as container:
        found = {packet.stream.type for packet in container.demux() if packet.size}
    assert found == {"video", "audio", "subtitle"}


def apart(path):
    """How far the streams of a file are from one another where its packets lie, at most, in seconds."""
    with av.open(str(path)) as container:
        found = sorted((p.pos, p.stream.index, float(p.pts * p.time_base)) for p in container.demux() if p.size)
    ends = {index: time for _, index, time in found}
    reached = {index: time for _, index, time in reversed(found)}
    widest = []
    for _, index, time in found:
        reached[index] = time
        widest.append(max(time - other for n, other in reached.items() if n == index or other < ends[n]))
    assert len(ends) > 1
    return max(widest)


def boxes(path):
    """The names of an MP4's boxes."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        found.append(name.decode())
        at += size
    return found


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("span", [Span(), Span(8, 130)])
def test_packets_that_are_played_together_lie_together(tmp_path, style, suffix, span):
    """Within a second, in a film longer than a muxer waits; and the index in front, also with a range made anew."""
    images = media.panning(140, 32, 24, step=1)
    source = media.write_clip(tmp_path / "film.mkv", images, rate=10, codec="libx264", sound="aac")
    output = tmp_path / f"out{suffix}"
    videostyle.stylize_video(source, style, output, UNTOUCHED, span=span)
    found = [apart(output)]
    if span.whole:
        videostyle.stylize_video(source, style, output, UNTOUCHED, span=Span(60, 80), into=True)
        found.append(apart(output))
    assert max(found) <= 1
    if suffix in (".mp4", ".mov"):
        names = boxes(output)
        assert names.index("moov") < names.index("mdat")
