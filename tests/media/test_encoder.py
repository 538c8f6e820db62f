"""Frames → packets."""

from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import av
import pytest

from tests.helpers import media
from tests.helpers.copies import copy, encoding_for, read
from videostyle.errors import MediaError
from videostyle.media.encoder import Encoder, configure
from videostyle.media.probe import probe
from videostyle.media.video.codecs import CODECS, choose
from videostyle.media.writer import VideoWriter


def test_an_rgb_source_is_encoded_as_bt709_and_says_so(clip, tmp_path):
    output = copy(clip, tmp_path / "out.mp4", codec="h264")
    with av.open(str(output)) as container:
        picture = next(container.decode(video=0))
    assert (picture.colorspace, picture.color_primaries, picture.color_trc, picture.color_range) == (1, 1, 1, 1)
    assert media.psnr(picture.to_ndarray(format="rgb24"), media.panning(6)[0]) > 30


def test_odd_sides_are_made_even_without_scaling(tmp_path):
    source = media.write_clip(tmp_path / "odd.mkv", media.panning(2, 33, 31), sound=None)
    images, _ = media.shown(copy(source, tmp_path / "out.mp4", codec="h264"))
    assert images[0].shape == (32, 34, 3)
    assert media.psnr(images[0][:31, :33], media.panning(2, 33, 31)[0]) > 28
    assert media.shown(copy(source, tmp_path / "out.mkv"))[0][0].shape == (31, 33, 3)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_videos_shorter_than_an_encoders_lookahead_are_whole(tmp_path, count):
    source = media.write_clip(tmp_path / "c.mp4", media.panning(count), codec="libx264", sound=None)
    for codec in ("hevc", "h264", "av1"):
        for _ in range(4):  # x265's unset memory is not the same each time
            assert media.shown(copy(source, tmp_path / "out.mp4", codec=codec))[1] == media.shown(source)[1]


def test_a_frame_that_is_missing_is_no_video(clip, tmp_path):
    first, _, third, *_ = read(clip)
    encoding = choose(tmp_path / "out.mkv", probe(clip).colors.for_video(), "ffv1")
    with VideoWriter(tmp_path / "out.mkv", probe(clip), (64, 48), encoding, []) as writer:
        writer.write(first)
        with pytest.raises(MediaError, match="frame 2"):
            writer.write(third)


def encoded(source, suffix, codec):
    facts = probe(source)
    encoder = Encoder(facts, (64, 48), encoding_for(source.with_suffix(suffix), facts, codec))
    packets = [packet for frame in read(source) for packet in encoder.encode(frame)]
    return encoder, [*packets, *encoder.flush()]


@pytest.mark.parametrize("codec", CODECS)
def test_an_encoder_makes_a_packet_of_each_frame_at_its_time(tmp_path, codec):
    """Also where the source's clock starts far from 0, which encoders do not take well."""
    pts = [10**8 + 42 * n for n in range(40)]
    source = media.write_clip(
        tmp_path / "c.mkv", media.panning(40), pts=pts, time_base=Fraction(1, 1000), codec="ffv1", sound=None
    )
    _, packets = encoded(source, CODECS[codec].suffixes[0], codec)
    assert sorted(packet.pts for packet in packets) == pts
    assert packets[0].is_keyframe
    assert {packet.time_base for packet in packets} == {Fraction(1, 1000)}
    assert all(a.dts < b.dts for a, b in pairwise(packets))
    assert all(packet.dts <= packet.pts for packet in packets)


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9", "ffv1"])
def test_a_container_that_is_configured_alike_has_the_encoders_header(clip, tmp_path, codec):
    facts, suffix = probe(clip), CODECS[codec].suffixes[0]
    encoder, _ = encoded(clip, suffix, codec)
    encoding = encoding_for(tmp_path / f"o{suffix}", facts, codec)
    with av.open(str(tmp_path / f"o{suffix}"), "w") as container:
        stream = container.add_stream(encoding.encoder, rate=facts.rate)
        configure(stream.codec_context, facts, (64, 48), encoding)
        container.start_encoding()
        assert stream.codec_context.extradata == encoder._context.extradata


def test_an_encoder_that_loses_a_frame_is_an_error(clip, tmp_path, monkeypatch):
    facts = probe(clip)
    encoder = Encoder(facts, (64, 48), encoding_for(tmp_path / "o.mp4", facts, "h264"))
    packets = [packet for frame in read(clip) for packet in encoder.encode(frame)]
    monkeypatch.setattr(encoder, "_context", SimpleNamespace(encode=lambda frame: []))
    with pytest.raises(MediaError, match=f"6 frames became {len(packets)} packets"):
        encoder.flush()
