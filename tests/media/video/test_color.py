"""Stored Y'CbCr ↔ RGB."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.bars import BARS, TAGS, bars, stored
from tests.helpers.copies import read
from videostyle.frames import Span
from videostyle.media.probe import probe
from videostyle.media.reader import read_frames
from videostyle.media.video.codecs import choose
from videostyle.media.writer import VideoWriter


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("name", TAGS)
def test_color_bars_come_out_within_two_levels_and_with_their_tags(tmp_path, name, pixel_format):
    if name in ("PQ", "HLG") and pixel_format == "yuv420p":
        pytest.skip("there is no 8-bit HDR")
    source = bars(tmp_path / "bars.mkv", TAGS[name], pixel_format)
    output = tmp_path / "out.mp4"
    clip = unlimited(probe(source))
    with VideoWriter(output, clip, (96, 64), choose(output, clip.colors.for_video(), "h264"), []) as writer:
        for frame in read_frames(clip, (96, 64), Span()):
            assert frame.pixels.dtype == (np.uint8 if pixel_format == "yuv420p" else np.uint16)
            writer.write(frame)
    (_, tags, before), (frame, kept, after) = stored(source), stored(output)
    assert kept == tags == TAGS[name]
    assert frame.format.components[0].bits == (8 if pixel_format == "yuv420p" else 10)
    error = np.abs(after - before).max()
    print(f"{name}, {pixel_format}: {error:.2f} levels")  # -rP shows it
    assert error <= 2


def unlimited(clip):
    return clip if clip.hdr is None else replace(clip, hdr=clip.hdr.unlimited())


@pytest.mark.parametrize("name", ["BT.709", "BT.601", "full range", "BT.2020"])
def test_colors_are_read_as_another_decoder_reads_them(tmp_path, name):
    source = bars(tmp_path / "bars.mkv", TAGS[name])
    shown = read(source)[0].pixels[32, 8::16].astype(int)
    assert np.abs(shown - BARS).max() <= 4
    assert np.abs(shown - media.shown(source)[0][0][32, 8::16]).max() <= 3
