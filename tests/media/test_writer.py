"""Frames → a file: pixels, times and audio are those of the source."""

from fractions import Fraction

import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.copies import copy
from videostyle.frames import Frame
from videostyle.media.probe import probe
from videostyle.media.video.codecs import choose
from videostyle.media.writer import VideoWriter


def test_a_lossless_copy_has_the_same_pixels_times_and_audio(clip, tmp_path):
    output = copy(clip, tmp_path / "out.mkv")
    (images, times), (copied, copied_times) = media.shown(clip), media.shown(output)
    assert times == copied_times
    assert all(np.array_equal(a, b) for a, b in zip(images, copied, strict=True))
    assert media.sound_packets(clip) == media.sound_packets(output)


def test_a_variable_frame_rate_comes_out_as_it_went_in(tmp_path):
    pts = [0, 1, 2, 40, 41, 500, 501, 1003]
    base = Fraction(1, 1000)
    source = media.write_clip(
        tmp_path / "vfr.mkv", media.panning(8), pts=pts, time_base=base, codec="libx264", sound=None
    )
    output = copy(source, tmp_path / "out.mp4", codec="h264")
    assert media.shown(output)[1] == [t * base for t in pts]


def test_ntsc_times_are_exact_in_mp4(tmp_path):
    base = Fraction(1001, 30000)
    source = media.write_clip(
        tmp_path / "ntsc.mp4", media.panning(9), pts=range(9), time_base=base, codec="libx264", sound="aac"
    )
    output = copy(source, tmp_path / "out.mp4", codec="h264")
    assert media.shown(output)[1] == [t * base for t in range(9)]
    assert media.sound_packets(output) == media.sound_packets(source)


def test_a_late_start_stays_late(tmp_path):
    source = media.write_clip(
        tmp_path / "late.mkv", media.panning(4), pts=[33, 66, 100, 133], time_base=Fraction(1, 1000), sound=None
    )
    output = copy(source, tmp_path / "out.mkv")
    assert media.shown(output)[1] == media.shown(source)[1]


@pytest.mark.parametrize("start", [Fraction(-3), Fraction(100_000)])
def test_a_clock_that_starts_nowhere_near_zero_starts_at_zero(tmp_path, start):
    base = Fraction(1, 1000)
    pts = [round(start * 1000) + t for t in (0, 40, 81, 200)]
    source = media.write_clip(tmp_path / "c.mkv", media.panning(4), pts=pts, time_base=base, sound=None)
    output = copy(source, tmp_path / "out.mp4", codec="h264")
    assert media.shown(output)[1] == [0, 40 * base, 81 * base, 200 * base]


def test_an_error_leaves_the_old_file_and_nothing_else(clip, tmp_path):
    output = tmp_path / "out.mkv"
    output.write_bytes(b"the old film")
    facts = probe(clip)
    before = set(tmp_path.iterdir())
    writer = VideoWriter(output, facts, (64, 48), choose(output, facts.colors.for_video(), "ffv1"), [])
    writer.write(Frame(media.texture(64, 48), 0, facts.time_base, 1, 0))
    struck = RuntimeError("struck")
    writer.__exit__(RuntimeError, struck, None)
    assert output.read_bytes() == b"the old film"
    assert set(tmp_path.iterdir()) == before
