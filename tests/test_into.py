"""A range made anew in a finished film: everything else stays to the bit, and nobody sees where."""

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from functools import partial

import av
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import videostyle
from tests.helpers import corpus, jobs, media
from tests.helpers.bars import TAGS, bars, stored
from tests.helpers.facts import facts
from tests.helpers.jobs import PLAIN, STYLED, StopError, packets, run
from videostyle.errors import InputError, OutputError, UnreadableError
from videostyle.journal.folder import state_folder
from videostyle.media.probe import probe
from videostyle.media.provenance import read_comment
from videostyle.media.reader import read_frames
from videostyle.media.video.codecs import choose
from videostyle.media.writer import VideoWriter
from videostyle.plan import insert
from videostyle.plan.plan import SegmentLimits

SHALLOW = STYLED.override(codec="ffv1", content_layers=("relu2_1",))  # quick, and exact
RANGE = videostyle.Span(9, 14)
LATE = [0, 40, 80, 81, 160, 200, 260, 280, 320, 360, 400, 440, 480, 520, 560, 570, 640, 680, 720, 900]


@pytest.fixture
def film(tmp_path):
    """Twenty frames of a pan, at uneven times, with sound."""
    return media.write_clip(
        tmp_path / "film.mkv", media.panning(20), pts=LATE, time_base=Fraction(1, 1000), sound="aac"
    )


render = partial(jobs.render, limits=SegmentLimits(6, 2))
FOUR = SegmentLimits(4, 2)


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


def anew(film, style, output, settings=PLAIN, span=RANGE, **words):
    return render(film, style, output, settings, span=span, into=True, **words)


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


@pytest.fixture
def pan(tmp_path):
    """Twelve frames of a pan by two pixels each."""
    return media.write_clip(tmp_path / "pan.mkv", media.panning(12), sound=None)


def test_only_the_frames_of_the_range_are_made(pan, style, tmp_path):
    reports, output = [], tmp_path / "out.mkv"
    render(pan, style, output, SHALLOW)
    before = media.shown(output)[0]
    anew(pan, style, output, SHALLOW.override(iterations=2), videostyle.Span(7, 9), on_frame=reports.append)
    assert [report.index for report in reports if report.losses] == [7, 8]
    differs = [n for n, (a, b) in enumerate(zip(before, media.shown(output)[0], strict=True)) if (a != b).any()]
    assert differs == [7, 8]


def seam(images, place):
    """How much of what both show changes from one frame of the pan to the next, in levels."""
    return float(np.abs(images[place].astype(float)[:, :-2] - images[place - 1][:, 2:]).mean())


def test_both_seams_hold(pan, style, tmp_path, monkeypatch):
    """Against a range that begins or ends as it likes."""
    settings = SHALLOW.override(iterations=2, first_iterations=6, style_weight=60, color="style")
    render(pan, style, tmp_path / "whole.mkv", settings)
    whole = media.shown(tmp_path / "whole.mkv")[0]
    found = {}
    for name, fits in (
        ("held", lambda place: True),
        ("led", lambda place: place == 9),
        ("begun", lambda place: place == 2),
    ):
        output = shutil.copy(tmp_path / "whole.mkv", tmp_path / f"{name}.mkv")
        monkeypatch.setattr(insert, "_has_same_look", lambda *asked, fits=fits: fits(asked[-1]))
        anew(pan, style, output, settings.override(seed=3, content_weight=2, iterations=4), videostyle.Span(3, 9))
        found[name] = media.shown(output)[0]
    for place, loose in ((3, "led"), (9, "begun")):
        assert seam(found["held"], place) < 1.5 * seam(whole, place)
        assert seam(found["held"], place) < 0.75 * seam(found[loose], place)


def test_a_range_of_several_segments_follows_its_own_frames(pan, style, tmp_path):
    """And not the finished one after it, which every segment remembers."""
    settings = SHALLOW.override(iterations=2, first_iterations=6, style_weight=60)
    output = tmp_path / "out.mkv"
    render(pan, style, output, settings, limits=FOUR)
    anew(pan, style, output, settings.override(content_weight=2), videostyle.Span(1, 10), limits=FOUR)
    seams = [seam(media.shown(output)[0], place) for place in range(1, 10)]
    assert max(seams) < 1.5 * np.median(seams)


def test_a_cut_needs_no_seam(style, tmp_path, monkeypatch):
    """Ranges that begin and end with a shot are that shot, as it would have been made at first."""
    shots = [*media.panning(5), *media.panning(4, seed=3), *media.panning(5, seed=9)]
    film, output = media.write_clip(tmp_path / "film.mkv", shots, sound=None), tmp_path / "out.mkv"
    render(film, style, output, SHALLOW)
    before = packets(output)
    anew(film, style, output, SHALLOW, videostyle.Span(5, 9))
    assert packets(output) == before


def test_another_style_begins_and_ends_with_the_range(pan, style, tmp_path, caplog):
    output, other = tmp_path / "out.mkv", media.write_picture(tmp_path / "other.png", 80, 60, seed=5)
    render(pan, style, output, SHALLOW)
    alone = tmp_path / "alone.mkv"
    span = videostyle.Span(4, 7)
    anew(pan, other, output, SHALLOW, span)
    assert sum("another look" in line for line in caplog.messages) == 2
    render(pan, other, alone, SHALLOW, span=span)
    for made, expected in zip(media.shown(output)[0][4:7], media.shown(alone)[0], strict=True):
        np.testing.assert_array_equal(made, expected)
    caplog.clear()
    anew(pan, other, output, SHALLOW.override(iterations=2), videostyle.Span(5, 7))
    assert ["frame 7 has another look" in line for line in caplog.messages] == [True]


@pytest.mark.parametrize("settings", [PLAIN, SHALLOW.override(codec="auto")])
def test_a_range_that_was_stopped_is_resumed(film, style, tmp_path, settings):
    output, whole = tmp_path / "out.mp4", tmp_path / "whole.mp4"
    render(film, style, output, settings)
    span, other = videostyle.Span(3, 17), settings.override(tv_weight=1)
    shutil.copy(output, whole)
    anew(film, style, whole, other, span, limits=FOUR)
    before = output.read_bytes()
    for stop in (8, 15):
        with pytest.raises(StopError):
            anew(film, style, output, other, span, resume=True, on_frame=strike(stop), limits=FOUR)
        assert output.read_bytes() == before
    anew(film, style, output, other, span, resume=True, limits=FOUR)
    assert packets(output) == packets(whole)
    assert not state_folder(output).exists()


def strike(stop):
    def on_frame(report):
        if report.index == stop:
            raise StopError

    return on_frame


def test_a_range_is_not_resumed_into_another_film(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    render(film, style, output, PLAIN)
    with pytest.raises(StopError):
        anew(film, style, output, span=videostyle.Span(1, 19), on_frame=strike(12))
    kept = state_folder(output).rename(tmp_path / "kept")
    anew(film, style, output, PLAIN)
    kept.rename(state_folder(output))
    with pytest.raises(OutputError, match="changed into;"):
        anew(film, style, output, span=videostyle.Span(1, 19), resume=True)


def test_a_finished_range_is_finished(film, style, tmp_path, monkeypatch):
    output = tmp_path / "out.mp4"
    render(film, style, output, PLAIN)
    monkeypatch.setattr("videostyle.journal.journal.Journal.remove", lambda journal: None)  # as if killed before it
    anew(film, style, output)
    content = output.read_bytes()
    monkeypatch.undo()
    anew(film, style, output, resume=True)
    assert output.read_bytes() == content
    assert not state_folder(output).exists()


def test_the_film_tells_how_its_ranges_were_made(film, style, tmp_path):
    output, other = tmp_path / "out.mp4", media.write_picture(tmp_path / "other.png", seed=5)
    words = [str(film), str(style), str(output), "--iterations", "0", "--first-iterations", "0", "--quiet"]
    assert run(*words, "--crf", "20", "--tv-weight", "0.5") == 0
    assert run(*words[:1], str(other), str(output), "--frames", "9:14", "--into", "--seed", "4", "--quiet") == 0
    assert run(*words[:3], "--start", "0.2", "--end", "0.3", "--into", "--quiet") == 0
    said = json.loads(read_comment(output))
    assert (said["styles"], said["settings"]["tv_weight"], said["settings"]["seed"]) == (["style.png"], 0.5, 0)
    first, second = said["ranges"]
    assert (first["frames"], first["styles"], first["settings"]["seed"]) == ([9, 14], ["other.png"], 4)
    assert (second["frames"], second["settings"]["crf"], second["settings"]["tv_weight"]) == ([5, 8], 20, 0.5)


def test_the_command_replaces_numbered_pictures_of_a_film(pan, style, tmp_path):
    output = tmp_path / "out.%03d.png"
    words = [str(pan), str(style), str(output), "--weights", "builtin", "--iterations", "1", "--first-iterations", "2"]
    assert run(*words, "--quiet") == 0
    before = [path.read_bytes() for path in sorted(tmp_path.glob("out.*"))]
    assert run(*words[:3], "--frames", "4:6", "--seed", "3", "--iterations", "2", "--into", "--quiet") == 0
    after = [path.read_bytes() for path in sorted(tmp_path.glob("out.*"))]
    assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [4, 5]


def test_a_range_of_pictures_of_a_film_is_chosen_by_its_times(style, tmp_path):
    """At 25 frames a second."""
    film = media.write_clip(tmp_path / "film.mkv", media.panning(10), rate=25, sound=None)
    output = tmp_path / "out.%d.png"
    render(film, style, output, PLAIN)
    for path in tmp_path.glob("out.*"):
        marks = PngInfo()
        marks.add_text("Comment", read_comment(path))
        Image.fromarray(media.texture(64, 48, 3)).save(path, pnginfo=marks)
    anew(film, style, output, PLAIN, videostyle.Span(start=Fraction(1, 5), end=Fraction(2, 5)))
    for n, image in enumerate(media.panning(10)):
        expected = image if 5 <= n < 10 else media.texture(64, 48, 3)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"out.{n + 1}.png")), expected)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_film_of_pictures_has_a_range_made_anew_at_its_rate(style, tmp_path, suffix):
    for n, image in enumerate(media.panning(20), 7):
        Image.fromarray(image).save(tmp_path / f"shot.{n}.png")
    shot, output = tmp_path / "shot.%d.png", tmp_path / f"out{suffix}"
    render(shot, style, output, PLAIN, fps=25)
    images, times = media.shown(output)
    anew(shot, style, output, PLAIN, videostyle.Span(start=Fraction(9, 25), end=Fraction(14, 25)), fps=25)
    made, later = media.shown(output)
    assert later == times == [Fraction(n, 25) for n in range(20)]
    same = [n for n, (a, b) in enumerate(zip(images, made, strict=True)) if np.array_equal(a, b)]
    assert {*range(6), 18, 19} <= set(same)
    assert min(media.psnr(a, b) for a, b in zip(images, made, strict=True)) > 32
    with pytest.raises(OutputError, match="other times"):
        anew(shot, style, output, PLAIN)  # at 24


def test_a_range_of_several_passes_holds_and_is_resumed(pan, style, tmp_path):
    """Longer than a segment."""
    settings = SHALLOW.override(iterations=1, first_iterations=4, style_weight=60, passes=3)
    output, whole, span = tmp_path / "out.mkv", tmp_path / "whole.mkv", videostyle.Span(2, 10)
    render(pan, style, output, settings, limits=FOUR)
    before = media.shown(output)[0]
    shutil.copy(output, whole)
    other = settings.override(content_weight=2)
    anew(pan, style, whole, other, span, limits=FOUR)
    with pytest.raises(StopError):
        anew(pan, style, output, other, span, on_frame=strike(7), limits=FOUR)
    anew(pan, style, output, other, span, resume=True, limits=FOUR)
    assert packets(output) == packets(whole)
    made = media.shown(output)[0]
    assert [n for n in range(12) if np.array_equal(before[n], made[n])] == [0, 1, 10, 11]
    for place in (2, 6, 10):
        assert seam(made, place) < 1.5 * seam(before, place)


def test_numbered_pictures_are_replaced_one_by_one(pan, style, tmp_path):
    (tmp_path / "out").mkdir()
    output = tmp_path / "out" / "shot.%03d.png"
    render(pan, style, output, SHALLOW)
    before = [path.read_bytes() for path in sorted(output.parent.iterdir())]
    anew(pan, style, output, SHALLOW.override(iterations=2), videostyle.Span(4, 8))
    after = [path.read_bytes() for path in sorted(output.parent.iterdir())]
    assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [4, 5, 6, 7]


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


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("--into takes a range", {"span": videostyle.Span()}),
        ("no frame of .* lies in the range asked for; it has 20", {"span": videostyle.Span(20, 25)}),
        ("no frame of .* lies in the range", {"span": videostyle.Span(start=Fraction(2))}),
        ("it is 64x48, and this would be 32x24; say --size 64", {"settings": PLAIN.override(size=32)}),
        ("it is 64x48, and this would be 128x48", {"side_by_side": True}),
        ("it is encoded otherwise; leave --codec", {"settings": PLAIN.override(crf=30)}),
        ("it is encoded otherwise", {"settings": PLAIN.override(codec="hevc")}),
        ("it is encoded otherwise", {"settings": PLAIN.override(pix_fmt="yuv444p")}),
    ],
)
def test_what_does_not_fit_is_refused(film, style, tmp_path, said, words):
    output = tmp_path / "out.mp4"
    render(film, style, output, PLAIN)
    content = output.read_bytes()
    with pytest.raises(InputError, match=said):
        anew(film, style, output, **words)
    assert output.read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {"film.mkv", "style.png", "out.mp4"}


def test_what_is_not_there_or_not_of_this_film_is_refused(film, style, tmp_path):
    output = tmp_path / "out.mp4"
    with pytest.raises(OutputError, match="there is nothing finished of that name"):
        anew(film, style, output)
    with pytest.raises(OutputError, match="there is nothing finished of that name"):
        anew(film, style, tmp_path / "out.%03d.png")
    other = media.write_clip(tmp_path / "other.mkv", media.panning(20))
    render(other, style, output, PLAIN)
    with pytest.raises(OutputError, match=r"it has 20 frames and .* has 20, or other times"):
        anew(film, style, output)
    media.write_clip(tmp_path / "strange.mp4", media.panning(20), codec="libx264")
    with pytest.raises(OutputError, match="it does not say that videostyle made it"):
        anew(other, style, tmp_path / "strange.mp4")
    told = {"styles": ["style.png"], "settings": {}}
    for ranges in (1, [1], [told], [told | {"frames": [1]}], [told | {"frames": ["a", 9]}], [{"frames": [1, 2]}]):
        comment = json.dumps(told | {"ranges": ranges})
        encoding = choose(output, probe(other).colors.for_video(), "h264")
        with VideoWriter(output, probe(other), (64, 48), encoding, [], comment=comment) as writer:
            for frame in read_frames(probe(other), (64, 48), videostyle.Span()):
                writer.write(frame)
        with pytest.raises(OutputError, match="it does not say that videostyle made it"):
            anew(other, style, output)
    (tmp_path / "no.mp4").write_bytes(b"nothing")
    with pytest.raises(UnreadableError):
        anew(other, style, tmp_path / "no.mp4")
    picture = media.write_picture(tmp_path / "photo.png")
    with pytest.raises(InputError, match="--into is for films"):
        anew(picture, style, tmp_path / "out.mp4")
