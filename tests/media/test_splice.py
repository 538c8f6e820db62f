"""A video with some of its packets replaced."""

from dataclasses import replace

import av
import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.copies import copy, encoding_for
from videostyle.errors import MediaError
from videostyle.frames import Span
from videostyle.media.existing import ExistingVideo
from videostyle.media.probe import probe
from videostyle.media.provenance import read_comment
from videostyle.media.reader import read_frames
from videostyle.media.splice import CodecParameters, splice
from videostyle.media.writer import VideoWriter


def piece_of(source, path, indices, codec="h264"):
    """A video of some frames of a source, upside down."""
    facts = probe(source)
    with VideoWriter(path, facts, (64, 48), encoding_for(path, facts, codec), [], from_zero=True) as writer:
        for frame in read_frames(facts, (64, 48), Span(indices.start, indices.stop)):
            writer.write(replace(frame, pixels=frame.pixels[::-1]))
    return path


def packets(path):
    with av.open(str(path)) as container:
        return [(p.stream.index, p.pts, p.dts, p.duration, bytes(p)) for p in container.demux() if p.size]


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".mkv", "ffv1")])
def test_only_the_packets_of_the_range_are_others(tmp_path, suffix, codec):
    source = media.write_clip(tmp_path / "c.mkv", media.panning(20), sound="aac")
    whole = copy(source, tmp_path / f"whole{suffix}", codec=codec)
    existing, output = ExistingVideo.open(whole), tmp_path / f"out{suffix}"
    indices = existing.reencoded_range(range(8, 11))
    splice(
        existing,
        piece_of(source, tmp_path / f"piece{suffix}", indices, codec),
        indices,
        output,
        '{"videostyle":"spliced"}',
    )
    before, after = packets(whole), packets(output)
    times = [sorted(packet[1] for packet in found if packet[0] == 0) for found in (before, after)]
    assert times[0] == times[1]
    assert [packet for packet in before if packet[0]] == [packet for packet in after if packet[0]]
    for index, (old, new) in enumerate(zip(media.shown(whole)[0], media.shown(output)[0], strict=True)):
        if index in indices:
            assert media.psnr(new, media.panning(20)[index][::-1]) > 30
        else:
            np.testing.assert_array_equal(old, new)
    assert read_comment(output) == '{"videostyle":"spliced"}'


def test_packets_of_another_encoding_are_refused(clip, tmp_path):
    whole = copy(clip, tmp_path / "whole.mp4", codec="h264")
    piece = piece_of(clip, tmp_path / "piece.mp4", range(6), "hevc")
    assert CodecParameters.read(whole) == CodecParameters.read(copy(clip, tmp_path / "again.mp4", codec="h264"))
    with pytest.raises(MediaError, match="encoded differently"):
        splice(ExistingVideo.open(whole), piece, range(6), tmp_path / "out.mp4", "")
    assert not (tmp_path / "out.mp4").exists()


def test_a_piece_has_a_frame_for_each_index(clip, tmp_path):
    whole = copy(clip, tmp_path / "whole.mkv")
    piece = piece_of(clip, tmp_path / "piece.mkv", range(2, 4), "ffv1")
    with pytest.raises(MediaError, match="2 frames were made for 3"):
        splice(ExistingVideo.open(whole), piece, range(1, 4), tmp_path / "out.mkv", "")
