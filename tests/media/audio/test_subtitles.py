"""Subtitles that are copied, converted or left out."""

import av
import pytest

from tests.helpers import media
from tests.helpers.copies import copy
from videostyle.media.audio.subtitles import add_subtitles, convert, plan_subtitles


@pytest.fixture
def full(tmp_path):
    return media.write_full(tmp_path / "full.mkv")


@pytest.mark.parametrize(
    ("suffix", "encoders", "said"),
    [
        (".mkv", [None, None], []),
        (".mp4", ["mov_text", "mov_text"], ["they become mov_text"] * 2),
        (".webm", ["webvtt", "webvtt"], ["they become webvtt"] * 2),
        (".avi", [], ["they are left out; .mkv keeps them"] * 2),
    ],
)
def test_a_container_gets_subtitles_that_it_can_hold(full, tmp_path, caplog, suffix, encoders, said):
    with av.open(str(full)) as container:
        tracks = list(plan_subtitles(full, container, tmp_path / f"out{suffix}"))
    assert [track.encoder for track in tracks] == encoders
    assert [track.codec for track in tracks] == ["srt", "ssa"][: len(encoders)]
    codecs = zip(("srt", "ssa"), said, strict=False)
    assert caplog.messages == [f"{suffix} cannot hold {codec} subtitles; {words}" for codec, words in codecs]


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".webm", "vp9"), (".mkv", "ffv1")])
def test_converted_lines_say_the_same_at_the_same_time(full, tmp_path, suffix, codec):
    output = copy(full, tmp_path / f"out{suffix}", codec=codec)
    for track in (0, 1):
        assert media.texts(output, track) == list(media.LINES)


def test_an_empty_or_damaged_packet_becomes_no_line(full, tmp_path, caplog):
    with av.open(str(full)) as container, av.open(str(tmp_path / "out.mp4"), "w") as target:
        stream = container.streams.subtitles[1]
        (track,) = [
            each for each in plan_subtitles(full, container, tmp_path / "out.mp4") if each.index == stream.index
        ]
        added = add_subtitles(target, stream, track)
        whole = [packet for packet in container.demux(stream) if packet.size]
        assert [len(list(convert(packet, stream, added))) for packet in whole] == [1, 1]
        assert list(convert(av.Packet(), stream, added)) == []
