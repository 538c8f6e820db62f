"""What a range that is rendered again does not touch stays as it is, to the bit."""

from dataclasses import replace

import av
import numpy as np
import pytest

import videostyle
from tests.helpers import corpus, media
from tests.helpers.bars import TAGS, bars, stored
from tests.helpers.facts import facts
from tests.helpers.inserts import SHALLOW, anew, render
from tests.helpers.jobs import PLAIN, STYLED, packets


def hdr_clip(path):
    """Eight frames of PQ, graded for 4000 cd/m², with highlights."""
    said = (
        "hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,50):max-cll=4000,80"
    )
    with av.open(str(path), "w") as container:
        options = {"x265-params": f"log-level=error:{said}"}
        film = container.add_stream("libx265", rate=24, width=64, height=48, pix_fmt="yuv420p10le", options=options)
        context = film.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = TAGS["PQ"]
        for pts, image in enumerate(media.panning(8)):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p10le")
            frame.pts = pts
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
    return path


def spliced(film, style, tmp_path, suffix, settings, before=None):
    """The packets and pictures of a finished film, and the same after a range of it was made anew."""
    output = tmp_path / f"out{suffix}"
    render(film, style, output, before or settings)
    old = packets(output), *media.shown(output)
    summary = anew(film, style, output, settings)
    return summary, old, (packets(output), *media.shown(output))


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".mp4", "h264"), (".mkv", "h264"), (".mov", "h264"), (".mp4", "hevc"), (".mkv", "hevc"), (".mp4", "av1"),
        (".mkv", "av1"), (".webm", "vp9"), (".mp4", "vp9"), (".mov", "prores"), (".mkv", "ffv1"),
    ],
)  # fmt: skip
def test_what_the_range_does_not_touch_stays_to_the_bit(film, style, tmp_path, suffix, codec):
    summary, (old, images, times), (new, made, later) = spliced(
        film, style, tmp_path, suffix, PLAIN.override(codec=codec)
    )
    assert later == times
    assert sorted(map(repr, (p for p in new if p[0]))) == sorted(map(repr, (p for p in old if p[0])))
    pictures, others = ([p for p in found if p[0] == 0] for found in (old, new))
    assert [p[1:4] for p in pictures] == [p[1:4] for p in others]
    touched = 5 if codec == "prores" else 9
    changed = [n for n, (a, b) in enumerate(zip(pictures, others, strict=True)) if a != b]
    assert summary.frames == touched
    assert set(changed) <= set(range(9, 9 + touched))
    for n, (image, other) in enumerate(zip(images, made, strict=True)):
        if 9 <= n < 9 + touched:
            assert media.psnr(image, other) > 32
        else:
            np.testing.assert_array_equal(image, other)


def test_titles_subtitles_chapters_and_attachments_stay(style, tmp_path):
    film = media.write_full(tmp_path / "film.mkv")
    for suffix in (".mkv", ".mp4", ".mov"):
        _, (old, _, _), (new, _, _) = spliced(film, style, tmp_path, suffix, PLAIN)
        before, after = ([p for p in found if p[0] and p[-1] not in (b"", b"\0\0")] for found in (old, new))
        assert sorted(map(repr, before)) == sorted(map(repr, after))
        render(film, style, tmp_path / f"other{suffix}", PLAIN)
        there, expected = facts(tmp_path / f"out{suffix}", keep=0), facts(tmp_path / f"other{suffix}", keep=0)
        for name in ("chapters", "streams", "tags", "aspect", "duration", "times", "subtitles"):
            assert getattr(there, name) == getattr(expected, name)
        assert [replace(sound, packets="") for sound in there.sounds] == [
            replace(sound, packets="") for sound in expected.sounds
        ]
        tags = [{k: v for k, v in found.metadata.items() if k.lower() != "comment"} for found in (there, expected)]
        assert tags[0] == tags[1]


@pytest.mark.parametrize(
    ("name", "codec", "suffix"),
    [
        ("BT.709", "h264", ".mp4"), ("BT.709", "prores", ".mov"), ("full range", "ffv1", ".mkv"),
        ("HLG", "hevc", ".mp4"), ("PQ", "hevc", ".mp4"), ("PQ", "h264", ".mkv"), ("PQ", "av1", ".webm"),
        ("PQ", "ffv1", ".mkv"),
    ],
)  # fmt: skip
def test_ten_bits_and_hdr_stay(style, tmp_path, name, codec, suffix):
    """Of the frames around the range as well that are encoded once more, and where it is brighter than usual."""
    film = bars(tmp_path / "film.mkv", TAGS[name], "yuv420p10le", count=20)
    summary, (_, images, times), (_, made, later) = spliced(film, style, tmp_path, suffix, PLAIN.override(codec=codec))
    assert later == times
    frame, tags, _ = stored(tmp_path / f"out{suffix}")
    render(film, style, tmp_path / f"whole{suffix}", PLAIN.override(codec=codec))
    whole, expected, _ = stored(tmp_path / f"whole{suffix}")
    assert (frame.format.name, tags) == (whole.format.name, expected)
    for n, (image, other) in enumerate(zip(images, made, strict=True)):
        if 9 <= n < 9 + summary.frames:
            assert np.abs(image[32, 8::16].astype(int) - other[32, 8::16]).max() <= 4  # encoded twice
        else:
            np.testing.assert_array_equal(image, other)


@pytest.mark.parametrize("codec", ["hevc", "ffv1"])
def test_a_range_of_an_hdr_film_is_styled_in_the_light_of_its_source(style, tmp_path, codec):
    """Also where the codec cannot say how bright that is."""
    film, output = hdr_clip(tmp_path / "film.mp4"), tmp_path / "out.mkv"
    settings = STYLED.override(codec=codec, content_weight=100, style_weight=0)
    render(film, style, output, settings)
    before = media.shown(output)[0]
    anew(film, style, output, settings.override(iterations=2), videostyle.Span(2, 4))
    off = [float(np.abs(a.astype(int) - b).mean()) for a, b in zip(before, media.shown(output)[0], strict=True)]
    assert off[:2] == [0, 0]
    assert min(off[2:4]) > 0
    assert max(off[4:]) < (0.1 if codec == "ffv1" else 3)


def test_only_the_frames_of_the_range_are_made(pan, style, tmp_path):
    reports, output = [], tmp_path / "out.mkv"
    render(pan, style, output, SHALLOW)
    before = media.shown(output)[0]
    anew(pan, style, output, SHALLOW.override(iterations=2), videostyle.Span(7, 9), on_frame=reports.append)
    assert [report.index for report in reports if report.losses] == [7, 8]
    differs = [n for n, (a, b) in enumerate(zip(before, media.shown(output)[0], strict=True)) if (a != b).any()]
    assert differs == [7, 8]


@pytest.mark.parametrize("words", [{"side_by_side": True}, {"tags": 1}, {"size": (47, 35)}, {"rotation": 90}])
def test_shapes_and_colors_stay(style, tmp_path, words):
    beside = words.pop("side_by_side", False)
    images = (
        [image[: words["size"][1], : words["size"][0]] for image in media.panning(10)]
        if "size" in words
        else media.panning(10)
    )
    words.pop("size", None)
    film = media.write_clip(tmp_path / "film.mkv", images, codec="ffv1", **words)
    output = tmp_path / "out.mp4"
    render(film, style, output, PLAIN, side_by_side=beside)
    before = facts(output)
    anew(film, style, output, PLAIN, videostyle.Span(3, 6), side_by_side=beside)
    after = facts(output)
    assert (after.size, after.tags, after.aspect, after.times) == (
        before.size,
        before.tags,
        before.aspect,
        before.times,
    )
    assert all(media.psnr(a, b) > 34 for a, b in zip(before.pictures, after.pictures, strict=True))


def test_a_damaged_source_is_known_by_what_is_shown(style, tmp_path):
    """Its packets are more than the frames that the film was made of."""
    film = corpus.hurt(tmp_path / "hurt.mov", codec="png", pixel_format="rgb24")
    output = tmp_path / "out.mp4"
    render(film, style, output, PLAIN)
    times = media.shown(output)[1]
    anew(film, style, output, PLAIN, videostyle.Span(2, 5))
    assert media.shown(output)[1] == times
