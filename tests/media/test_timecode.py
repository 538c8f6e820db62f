"""The timecode of a film: found, kept, moved on, and taken as --start and --end."""

from fractions import Fraction

import av
import pytest

from tests.helpers import corpus, media
from tests.helpers.jobs import UNTOUCHED, copied, run
from videostyle import stylize_video
from videostyle.cli.parse import make_span
from videostyle.errors import InputError
from videostyle.frames import Span
from videostyle.media.probe import probe

NTSC = Fraction(1001, 30000)


def marks(path):
    """The timecode and reel of a file, by PyAV alone."""
    with av.open(str(path)) as container:
        tags = [{k.lower(): v for k, v in stream.metadata.items()} for stream in container.streams]
    return tags[0].get("timecode"), next((t["reel_name"] for t in tags if "reel_name" in t), None)


def film(path, code="10:20:30:12", base=Fraction(1, 24), count=40, reel="A001"):
    return corpus.film(path, timecode=code, reel=reel, base=base, rate=1 / base, pts=range(count))


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".m4v", ".mkv", ".webm"])
def test_timecode_and_reel_are_kept_and_a_range_has_its_own(tmp_path, style, suffix):
    source = film(tmp_path / "in.mov")
    reel = None if suffix == ".mp4" else "A001"
    copied(source, style, tmp_path / f"all{suffix}")
    copied(source, style, tmp_path / f"part{suffix}", span=Span(13, 30))
    assert marks(tmp_path / f"all{suffix}") == ("10:20:30:12", reel)
    assert marks(tmp_path / f"part{suffix}") == ("10:20:31:01", reel)


def test_timecode_comes_from_matroska_and_goes_with_a_late_picture(tmp_path, style):
    ticks = [500 + round(k * 1000 / 24) for k in range(24)]
    source = corpus.film(tmp_path / "in.mkv", timecode="01:00:00:00", base=corpus.MS, pts=ticks)
    copied(source, style, tmp_path / "all.mov")
    copied(source, style, tmp_path / "part.mov", span=Span(2, 9))
    assert marks(tmp_path / "all.mov")[0] == "01:00:00:00"
    assert marks(tmp_path / "part.mov")[0] == "01:00:00:02"


def test_drop_frame_leaves_out_its_names(tmp_path, style):
    source = film(tmp_path / "in.mov", "01:00:59;20", NTSC)
    copied(source, style, tmp_path / "part.mov", span=Span(10, 30))
    assert marks(tmp_path / "part.mov")[0] == "01:01:00;02"


def test_an_insert_edit_leaves_the_timecode(tmp_path, style):
    source, output = film(tmp_path / "in.mov"), tmp_path / "out.mov"
    copied(source, style, output)
    stylize_video(source, style, output, UNTOUCHED, span=Span(5, 9), into=True)
    assert marks(output) == ("10:20:30:12", "A001")


@pytest.mark.parametrize("base", [Fraction(1, 24), Fraction(1001, 24000)])
@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
def test_start_and_end_may_be_timecode(tmp_path, style, base, suffix):
    source = film(tmp_path / f"in{suffix}", base=base)
    span = make_span(None, "10:20:30:15", "10:20:31:01")
    assert copied(source, style, tmp_path / "out.mov", span=span).frames == 10
    assert marks(tmp_path / "out.mov")[0] == "10:20:30:15"
    assert media.psnr(media.shown(tmp_path / "out.mov")[0][0], media.shown(source)[0][3]) > 30


def test_a_semicolon_is_not_needed_where_the_film_counts_by_drop_frame(tmp_path):
    clip = probe(film(tmp_path / "in.mov", "01:00:59;20", NTSC))
    spans = [clip.resolved(make_span(None, word, None)) for word in ("01:01:00;02", "01:01:00:02")]
    assert spans[0] == spans[1] == Span(start=Fraction(19, 2) * NTSC)


@pytest.mark.parametrize(
    ("code", "start", "said"),
    [
        (None, "01:00:00:00", "has no timecode; say --start"),
        ("10:20:30:12", "10:20:30:11", "whose 40 frames begin at 10:20:30:12"),
        ("10:20:30:12", "10:21:30:12", "whose 40 frames begin at"),
        ("10:20:30:12", "10:20:30:24", "no timecode at 24"),
    ],
)
def test_a_timecode_that_the_film_has_not_is_refused(tmp_path, code, start, said):
    clip = probe(film(tmp_path / "in.mov", code))
    with pytest.raises(InputError, match=said):
        clip.resolved(make_span(None, start, None))


def test_the_command_takes_timecode(tmp_path, style, capsys):
    source, output = film(tmp_path / "in.mov"), tmp_path / "out.mov"
    words = ("--start", "10:20:30:12", "--end", "10:20:30:20", "--iterations", "0", "--first-iterations", "0")
    assert run(str(source), str(style), str(output), *words) == 0
    assert len(media.shown(output)[0]) == 8
    pictures = media.write_picture(tmp_path / "p.0001.png").with_name("p.%04d.png")
    assert run(str(pictures), str(style), str(tmp_path / "o.mp4"), *words) == 2
    assert "has no timecode" in capsys.readouterr().err


def test_a_timecode_that_cannot_be_is_left_out_with_a_notice(tmp_path, style, caplog):
    source = film(tmp_path / "in.mkv", "01:00:00:40")
    copied(source, style, tmp_path / "out.mov")
    assert marks(tmp_path / "out.mov")[0] is None
    assert [line for line in caplog.messages if "01:00:00:40 is no timecode" in line]
