"""Samples that follow one another without gaps."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from tests.helpers import corpus, media
from videostyle.media.audio.plan import plan_tracks
from videostyle.media.audio.samples import read_samples
from videostyle.media.demux import open_source


def blocks(path, begin=Fraction(0)):
    (track,) = plan_tracks(path, path.with_suffix(".mkv"), cut=True)
    with open_source(path) as (container, _):
        return list(read_samples(container, track, begin))


@pytest.mark.parametrize("begin", [Fraction(0), Fraction(1, 10)])
def test_every_sample_has_its_position_after_the_beginning(tmp_path, begin):
    path = media.write_clip(tmp_path / "c.mkv", media.panning(24), sound="flac")
    found = blocks(path, begin)
    assert found[0].position == -round(begin * 44100)
    assert all(b.position == a.position + a.count for a, b in pairwise(found))
    samples = np.concatenate([block.samples[0] for block in found])
    np.testing.assert_array_equal(samples / 32768, media.samples(path)[1])


def test_a_gap_is_silence_of_its_length(tmp_path):
    path = corpus.film(tmp_path / "c.mkv", pts=range(0, 1000, 40), base=corpus.MS, sound="flac", hole=0.4)
    found = blocks(path)
    assert all(b.position == a.position + a.count for a, b in pairwise(found))
    (silence,) = [block for block in found if not block.samples.any()]
    assert silence.count == pytest.approx(0.4 * 44100, abs=50)
    assert sum(block.count for block in found) == pytest.approx((0.961 + 0.4) * 44100, abs=50)


def test_a_part_of_a_block_keeps_its_position(tmp_path):
    path = media.write_clip(tmp_path / "c.mkv", media.panning(6), sound="flac")
    (track,) = plan_tracks(path, path, cut=True)
    block = blocks(path)[0]
    part = block.part(100, 300)
    assert (part.count, part.position) == (200, block.position + 100)
    frame = part.to_frame(track)
    assert (frame.samples, frame.pts, frame.time_base) == (200, part.position, Fraction(1, 44100))
    np.testing.assert_array_equal(frame.to_ndarray(), block.samples[:, 100:300])
