"""What is known of a video file before it is decoded; headers that lie."""

import struct
from itertools import pairwise

import av
import pytest

import videostyle
from tests.helpers import corpus, media
from tests.helpers.facts import facts
from tests.helpers.jobs import UNTOUCHED
from videostyle.errors import UnreadableError
from videostyle.media.probe import probe
from videostyle.plan import disk


def test_cover_art_is_not_the_video(tmp_path):
    film = media.write_clip(tmp_path / "film.mp4", media.panning(3), codec="libx264")
    path = tmp_path / "covered.mp4"
    with av.open(str(film)) as source, av.open(str(path), "w") as container:
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream_from_template(source.streams.video[0])
        container.mux(cover.encode(av.VideoFrame.from_ndarray(media.texture(32, 32))))
        container.mux(cover.encode(None))
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    assert (probe(path).width, probe(path).height) == (64, 48)


@pytest.mark.parametrize("content", [b"", b"no film at all", b"#EXTM3U\nhttp://127.0.0.1/x.ts\n", bytes(4096)])
def test_what_is_no_video_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=r"film\.mp4") as caught:
        probe(path)
    assert "\n" not in str(caught.value)


def test_a_video_whose_end_is_missing_is_refused_with_the_likely_reason(tmp_path):
    whole = media.write_clip(tmp_path / "whole.mp4", media.panning(6), codec="libx264")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(UnreadableError, match="not finished"):
        probe(cut)


def test_audio_alone_is_no_video(tmp_path):
    path = tmp_path / "song.mka"
    with av.open(str(path), "w") as container:
        media.write_tone(container, container.add_stream("flac", rate=44100, layout="mono"), 0.2)
    with pytest.raises(UnreadableError, match="no video stream"):
        probe(path)


def atoms(data, begin, end, name):
    """Where the contents of an MP4's atoms of a name begin, however deep."""
    at = begin
    while at + 8 <= end:
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == name:
            yield at + 8
        if kind in (b"moov", b"trak", b"mdia"):
            yield from atoms(data, at + 8, at + size, name)
        at += max(size, 8)


def mp4_says(data, ticks):
    for name, place in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)):
        for at in atoms(data, 0, len(data), name):
            data[at + place : at + place + 4] = struct.pack(">I", ticks)


def avi_says(data, count):
    for name, place in ((b"avih", 24), (b"strh", 40)):
        at = data.index(name)
        data[at + place : at + place + 4] = struct.pack("<I", count)


def matroska_says(data, count):
    at = data.index(b"\x44\x89\x88")
    data[at + 3 : at + 11] = struct.pack(">d", count)


@pytest.mark.parametrize("count", [0, 1, 5, 10**6, 2**32 - 1])
@pytest.mark.parametrize(("suffix", "say"), [(".mp4", mp4_says), (".avi", avi_says), (".mkv", matroska_says)])
def test_what_a_header_says_of_lengths_and_counts_is_not_believed(style, tmp_path, monkeypatch, suffix, say, count):
    monkeypatch.setattr(disk, "BITS", {"h264": 8.0})
    path, codec = tmp_path / f"film{suffix}", "mpeg4" if suffix == ".avi" else "libx264"
    corpus.film(path, pts=range(12), codec=codec, bframes=0, sound="pcm_s16le" if suffix == ".avi" else "aac")
    honest = made(path, style)
    data = bytearray(path.read_bytes())
    say(data, count)
    path.write_bytes(data)
    assert made(path, style) == honest


def made(path, style):
    output = path.with_name("out.mp4")
    videostyle.stylize_video(path, style, output, UNTOUCHED, overwrite=True)
    found = facts(output)
    assert all(a < b for a, b in pairwise(found.times))
    return found.times, found.last, found.sounds
