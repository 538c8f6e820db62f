"""Which encoder, pixel format and quality a video gets."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.bars import BARS, TAGS, bars, stored
from tests.helpers.copies import copy
from videostyle.errors import OutputError, SettingError
from videostyle.media.probe import probe
from videostyle.media.video.codecs import choose
from videostyle.media.video.color import Colors


@pytest.mark.parametrize(
    ("codec", "suffix", "deep"),
    [
        ("h264", ".mp4", True),
        ("hevc", ".mp4", True),
        ("hevc", ".mov", True),
        ("av1", ".mp4", True),
        ("av1", ".webm", True),
        ("vp9", ".webm", False),
        ("prores", ".mov", True),
        ("prores4444", ".mov", True),
        ("ffv1", ".mkv", True),
    ],
)
def test_every_codec_keeps_colors_depth_times_and_tags(tmp_path, codec, suffix, deep):
    for name, pixel_format in (("full range", "yuv420p"), ("BT.709", "yuv420p10le")):
        source = bars(tmp_path / f"{name}.mkv", TAGS[name], pixel_format)
        output = copy(source, tmp_path / f"out{suffix}", codec=codec)
        (frame, tags, samples), (_, before, levels) = stored(output), stored(source)
        assert len(media.shown(output)[0]) == 3
        assert tags[:2] == before[:2]
        if codec == "ffv1":
            assert np.abs(media.shown(output)[0][0][32, 8::16].astype(int) - BARS).max() <= 3
        elif tags == before:
            assert np.abs(samples - levels).max() <= 2
        else:
            assert (codec.startswith("prores"), tags[3]) == (True, 1)  # it knows no full range
        if pixel_format == "yuv420p10le":
            assert (frame.format.components[0].bits > 8) == deep


def test_hdr_is_never_made_eight_bit(tmp_path, caplog):
    clip = probe(bars(tmp_path / "pq.mkv", TAGS["PQ"], "yuv420p10le"))
    for words in ({"codec": "vp9"}, {"codec": "hevc", "pix_fmt": "yuv420p"}, {"codec": "auto", "delivery": "web"}):
        suffix = ".webm" if words["codec"] == "vp9" else ".mp4"
        with pytest.raises(OutputError, match="10 bit"):
            choose(tmp_path / f"out{suffix}", clip.colors, **words)


def test_a_delivery_is_a_codec_and_a_quality_that_flags_overrule(tmp_path):
    colors = Colors(1, 1, 1, 1)
    edit = choose(tmp_path / "o.mov", colors, "auto", delivery="edit")
    assert (edit.encoder, edit.pixel_format, edit.options["profile"]) == ("prores_ks", "yuv422p10le", "hq")
    assert choose(tmp_path / "o.mkv", colors, "auto", delivery="master").encoder == "ffv1"
    web = choose(tmp_path / "o.mp4", replace(colors, bits=10), "auto", delivery="web")
    assert (web.encoder, web.pixel_format, web.options["crf"]) == ("libx264", "yuv420p", "20")
    own = choose(tmp_path / "o.mp4", colors, "hevc", crf=30, pix_fmt="yuv444p", delivery="web")
    assert (own.encoder, own.pixel_format, own.options["crf"]) == ("libx265", "yuv444p", "30")
    with pytest.raises(OutputError, match=r"\.mov"):
        choose(tmp_path / "o.mp4", colors, "auto", delivery="edit")
    with pytest.raises(SettingError, match="crf"):
        choose(tmp_path / "o.mov", colors, "prores", crf=3)
    with pytest.raises(SettingError, match="yuv420p10le"):
        choose(tmp_path / "o.mp4", colors, "h264", pix_fmt="yuv999p")


@pytest.mark.parametrize(
    ("bits", "suffix", "words", "encoder", "tag"),
    [
        (8, ".mp4", {}, "libx264", None),
        (10, ".mp4", {}, "libx265", "hvc1"),
        (12, ".mov", {}, "libx265", "hvc1"),
        (10, ".m4v", {}, "libx265", "hvc1"),
        (10, ".mkv", {}, "libx265", None),
        (10, ".webm", {}, "libvpx-vp9", None),
        (10, ".mp4", {"pix_fmt": "yuv420p"}, "libx264", None),
        (10, ".mp4", {"pix_fmt": "yuv422p10le"}, "libx265", "hvc1"),
        (10, ".mp4", {"delivery": "web"}, "libx264", None),
    ],
)
def test_more_than_8_bit_becomes_what_players_play(tmp_path, bits, suffix, words, encoder, tag):
    chosen = choose(tmp_path / f"o{suffix}", Colors(1, 1, 1, 1, bits=bits), "auto", **words)
    assert (chosen.encoder, chosen.tag) == (encoder, tag)


def test_an_unknown_pixel_format_is_refused_with_auto_too(tmp_path):
    with pytest.raises(SettingError, match="yuv420p10le"):
        choose(tmp_path / "o.mp4", Colors(1, 1, 1, 1, bits=10), "auto", pix_fmt="yuv999p")
