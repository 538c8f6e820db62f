"""Films that are damaged for long, and headers that lie."""

import struct
from itertools import pairwise

import av
import pytest

import videostyle
from tests import corpus, media
from tests.facts import facts
from tests.test_into import run
from videostyle.errors import MediaError, UnreadableError
from videostyle.frames import Span
from videostyle.media import demux
from videostyle.render import preflight

UNTOUCHED = videostyle.Settings(iterations=0, first_iterations=0)
WORDS = ["--iterations", "0", "--first-iterations", "0", "--quiet"]


@pytest.fixture
def film(tmp_path):
    return media.write_clip(tmp_path / "film.mov", media.panning(12), codec="png", sound=None)


def harm(path, numbers):
    """Make these packets of a film nonsense."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for number, packet in enumerate(p for p in container.demux(video=0) if p.size):
            if number in numbers:
                data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)


def test_a_hole_is_no_film(film, style, tmp_path, monkeypatch, capsys):
    """As many frames as end the work are lost; a frame fewer is told and left out, and what is before may be made."""
    output = tmp_path / "out.mp4"
    harm(film, range(4, 9))
    monkeypatch.setattr(demux, "MAX_LOST", 6)
    assert run(str(film), str(style), str(output), *WORDS) == 0
    times = media.shown(output)[1]
    assert [round(24 * time) for time in times] == [0, 1, 2, 3, 9, 10, 11]
    monkeypatch.setattr(demux, "MAX_LOST", 5)
    before = output.read_bytes()
    assert run(str(film), str(style), str(output), *WORDS, "--overwrite") == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "film.mov" in said
    assert "from 0.167 s on 5 frames in a row are damaged" in said
    assert output.read_bytes() == before
    videostyle.stylize_video(film, style, output, UNTOUCHED, span=Span(0, 2), overwrite=True)
    assert len(media.shown(output)[1]) == 2


def test_a_film_of_nothing_but_holes_is_refused_before_the_work(film, style, tmp_path, monkeypatch):
    harm(film, range(12))
    for longest in (5, 500):
        monkeypatch.setattr(demux, "MAX_LOST", longest)
        with pytest.raises(UnreadableError, match=r"film\.mov"):
            videostyle.stylize_video(film, style, tmp_path / "out.mp4", UNTOUCHED)


def test_a_film_that_is_taken_away_is_a_failure_of_the_work(film, style, tmp_path):
    def take_away(report):
        film.unlink(missing_ok=True)

    with pytest.raises(MediaError, match="no such file") as failure:
        videostyle.stylize_video(film, style, tmp_path / "out.mp4", UNTOUCHED, on_frame=take_away)
    assert "--resume" in failure.value.__notes__[0]


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
    monkeypatch.setattr(preflight, "BITS", {"h264": 8.0})
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
