"""A segment's packets as a file."""

from fractions import Fraction
from itertools import pairwise

import av
import pytest

import videostyle
from tests.helpers import media
from tests.helpers.copies import encoding_for, read
from tests.helpers.jobs import UNTOUCHED
from videostyle.errors import MediaError
from videostyle.frames import Span
from videostyle.media.encoder import Encoder
from videostyle.media.muxer import Muxer
from videostyle.media.packet_file import PacketFile, PacketFileWriter, join_packets
from videostyle.media.probe import probe


def test_an_encoder_that_fails_at_its_last_frames_is_reported_as_any_failure(clip, style, tmp_path, monkeypatch):
    def fail(writer):
        raise av.error.ExternalError(1, "struck")

    monkeypatch.setattr(Encoder, "flush", fail)
    with pytest.raises(MediaError, match=r"out\.mkv.*struck"):
        videostyle.stylize_video(clip, style, tmp_path / "out.mkv", UNTOUCHED)
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mkv", "style.png"}


def written(path, source, span, codec):
    """A packet file of the frames of a clip in a range."""
    facts = probe(source)
    with PacketFileWriter(path, facts, (64, 48), encoding_for(path.with_suffix(".mkv"), facts, codec)) as writer:
        for frame in read(source, span):
            writer.write(frame)
    return PacketFile(path)


@pytest.mark.parametrize("codec", ["h264", "ffv1"])
def test_segments_are_joined_as_one_video(tmp_path, codec):
    """Each begins with a keyframe; times are those of the source, also where its clock has no zero."""
    pts = [10**8 + 40 * n + n % 3 for n in range(20)]
    source = media.write_clip(
        tmp_path / "c.mkv", media.panning(20), pts=pts, time_base=Fraction(1, 1000), codec="ffv1", sound=None
    )
    files = [written(tmp_path / f"{n}.packets", source, span, codec) for n, span in enumerate((Span(0, 9), Span(9)))]
    headers = [list(file.headers()) for file in files]
    assert [len(each) for each in headers] == [9, 11]
    assert all(each[0].keyframe for each in headers)
    assert sorted(header.pts for each in headers for header in each) == pts
    packets = list(join_packets(files, Fraction(1, 1000)))
    assert [packet.pts for packet in packets] == [header.pts for each in headers for header in each]
    assert [packet.size for packet in packets] == [header.size for each in headers for header in each]
    assert all(packet.dts <= packet.pts for packet in packets)
    assert all(a.dts < b.dts for a, b in pairwise(packets))
    output, facts = tmp_path / "out.mkv", probe(source)
    with Muxer(output, facts, (64, 48), encoding_for(output, facts, codec), []) as muxer:
        for packet in packets:
            muxer.mux(packet)
    images, times = media.shown(output)
    assert times == [Fraction(tick - pts[0], 1000) for tick in pts]
    assert all(media.psnr(a, b) > 30 for a, b in zip(images, media.panning(20), strict=True))


def test_a_file_that_breaks_off_within_a_header_is_damaged(clip, tmp_path):
    file = written(tmp_path / "0.packets", clip, Span(), "ffv1")
    whole = list(file.headers())
    file.path.write_bytes(file.path.read_bytes() + b"half a header")
    with pytest.raises(MediaError, match=r"0\.packets is damaged"):
        list(file.headers())
    with pytest.raises(MediaError, match=r"0\.packets is damaged"):
        list(file.packets(Fraction(1, 24)))
    assert len(whole) == 6


def test_what_an_error_ends_is_closed_and_not_flushed(clip, tmp_path):
    facts, path = probe(clip), tmp_path / "0.packets"
    writer = PacketFileWriter(path, facts, (64, 48), encoding_for(tmp_path / "o.mp4", facts, "h264"))
    for frame in read(clip):
        writer.write(frame)
    writer.__exit__(RuntimeError, RuntimeError(), None)
    assert len(list(PacketFile(path).headers())) < 6  # x264 holds some back
