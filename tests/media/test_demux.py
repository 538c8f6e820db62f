"""Packets and frames of files that are damaged, break off, or are not there."""

import av
import pytest

import videostyle
from tests.helpers import media
from tests.helpers.copies import read
from tests.helpers.jobs import UNTOUCHED, run
from videostyle.errors import MediaError, UnreadableError
from videostyle.frames import Span
from videostyle.media import demux
from videostyle.media.probe import probe


def test_frames_that_the_decoder_holds_back_are_not_lost(tmp_path):
    path = media.write_clip(tmp_path / "b.mp4", media.panning(17), codec="libx264", sound=None)
    assert len(read(path)) == 17


def damage(path, places, width=40):
    """Overwrite `width` bytes at shares of the file's length."""
    data = bytearray(path.read_bytes())
    for place in places:
        at = round(len(data) * place)
        data[at : at + width] = bytes(width)
    path.write_bytes(data)


def test_a_damaged_packet_costs_one_frame_and_is_logged_with_its_time(tmp_path, caplog):
    path = media.write_clip(tmp_path / "c.mov", media.panning(8), codec="png", sound=None)
    whole = read(path)
    damage(path, [0.5], width=600)
    frames = read(path)
    assert len(frames) == 7
    assert {frame.seconds for frame in frames} < {frame.seconds for frame in whole}
    assert "lost, at 0.1" in caplog.text


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_file_that_breaks_off_is_used_as_far_as_it_goes(tmp_path, caplog, suffix):
    path = media.write_clip(tmp_path / f"c{suffix}", media.panning(48), codec="libx264", sound="aac", faststart=True)
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * 0.6)])
    frames = read(path)
    assert 10 < len(frames) < 48
    if suffix != ".ts":  # which promises nothing
        assert "breaks off" in caplog.text


def test_a_whole_file_is_not_said_to_break_off(tmp_path, caplog):
    for name, sound in (("a.mkv", "flac"), ("b.mp4", "aac"), ("c.ts", "aac")):
        read(media.write_clip(tmp_path / name, media.panning(24), codec="libx264", sound=sound))
    assert not caplog.text


def test_a_video_of_too_large_frames_is_refused_before_decoding(tmp_path, monkeypatch):
    path = media.write_clip(tmp_path / "c.mp4", media.panning(2), codec="libx264")
    monkeypatch.setattr("videostyle.media.demux.MAX_PIXELS", 1000)
    with pytest.raises(UnreadableError, match="64x48 is more than 1,000 pixels"):
        probe(path)


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


def test_a_hole_is_no_video(film, style, tmp_path, monkeypatch, capsys):
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


def test_a_video_of_nothing_but_holes_is_refused_before_the_work(film, style, tmp_path, monkeypatch):
    harm(film, range(12))
    for longest in (5, 500):
        monkeypatch.setattr(demux, "MAX_LOST", longest)
        with pytest.raises(UnreadableError, match=r"film\.mov"):
            videostyle.stylize_video(film, style, tmp_path / "out.mp4", UNTOUCHED)


def test_a_video_that_is_taken_away_is_a_failure_of_the_work(film, style, tmp_path):
    def take_away(report):
        film.unlink(missing_ok=True)

    with pytest.raises(MediaError, match="no such file") as failure:
        videostyle.stylize_video(film, style, tmp_path / "out.mp4", UNTOUCHED, on_frame=take_away)
    assert "--resume" in failure.value.__notes__[0]
