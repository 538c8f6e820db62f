"""Tags, chapters and attachments."""

from fractions import Fraction

import av
import pytest

from tests.helpers import corpus, media
from tests.helpers.jobs import copied, run
from videostyle.frames import Span
from videostyle.media import metadata
from videostyle.media.provenance import is_provenance, read_comment
from videostyle.sources import read_made

MS = Fraction(1, 1000)


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (0, None, [(0, 1000, "Part 1"), (1000, 2000, "Part 2")]),
        (Fraction(1, 2), None, [(0, 500, "Part 1"), (500, 1500, "Part 2")]),
        (Fraction(1, 2), Fraction(3, 4), [(0, 250, "Part 1")]),
        (1, Fraction(3, 2), [(0, 500, "Part 2")]),
        (3, 4, []),
    ],
)
def test_chapters_are_cut_to_a_range_and_counted_from_its_beginning(tmp_path, begin, end, expected):
    path = media.write_full(tmp_path / "full.mkv")
    with av.open(str(path)) as source:
        found = metadata.chapters(source, Fraction(begin), None if end is None else Fraction(end))
    times = [(c["start"] * c["time_base"] / MS, c["end"] * c["time_base"] / MS, c["metadata"]["title"]) for c in found]
    assert times == expected


def test_tags_go_along_but_those_of_the_file_itself(tmp_path):
    path = media.write_full(tmp_path / "full.mkv")
    with av.open(str(path)) as source:
        found = {name.lower(): value for name, value in metadata.user_tags(source).items()}
    assert found == {"title": "A film", "artist": "someone"}


PHONE = {"com.apple.quicktime.make": "Apple", "com.apple.quicktime.creationdate": "2026-05-01T10:00:00+0200"}


@pytest.mark.parametrize(
    ("suffix", "given", "lost"),
    [
        (".mp4", {"title": "T", "comment": "mine"}, []),
        (".mp4", {"comment": "mine", "synopsis": "S", "lyrics": "L"}, []),
        (".mp4", {**PHONE, "title": "T"}, [*PHONE]),
        (".mov", {**PHONE, "comment": "mine", "title": "T"}, []),
        (".mov", {"title": "T", "location": "+48.1000+011.5000/"}, []),
        (".mov", {"description": "D", "custom": "C"}, []),
        (".mkv", {**PHONE, "comment": "mine", "custom": "C"}, []),
        (".webm", {"comment": "mine", "custom": "C"}, []),
    ],
)
def test_the_tags_of_the_user_stay_or_are_told_and_ours_is_found_beside_them(
    tmp_path, style, caplog, suffix, given, lost
):
    source, output = tmp_path / "in.mkv", tmp_path / f"out{suffix}"
    corpus.film(source, tags=given)
    copied(source, style, output)
    copied(output, style, tmp_path / f"again{suffix}", span=Span(0, 4))
    for path in (output, tmp_path / f"again{suffix}"):
        with av.open(str(path)) as container:
            found = {name.lower(): value for name, value in container.metadata.items()}
        assert {name: found[name] for name in given if name not in lost} == {
            name: value for name, value in given.items() if name not in lost
        }
        assert [value for value in found.values() if is_provenance(value)] == [read_comment(path)]
    told = [line for line in caplog.messages if "cannot hold the tags" in line]
    assert len(told) == (1 if lost else 0)
    assert all(name.upper() in told[0] for name in lost)


def test_the_place_of_a_phone_goes_into_mp4_under_its_name_there(tmp_path, style, caplog):
    place = {"com.apple.quicktime.location.ISO6709": "+48.1000+011.5000/"}
    source = corpus.film(tmp_path / "in.mov", tags=place, container={"movflags": "use_metadata_tags"})
    copied(source, style, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.metadata["location"] == "+48.1000+011.5000/"
    assert caplog.messages == []


def test_settings_are_read_from_a_film_with_a_comment_of_its_own(tmp_path, style, capsys):
    source, output = corpus.film(tmp_path / "in.mkv", tags={"comment": "mine"}), tmp_path / "out.mp4"
    words = ("--iterations", "0", "--first-iterations", "0", "--crf", "31")
    assert run(str(source), str(style), str(output), *words) == 0
    assert run(str(source), str(style), str(tmp_path / "again.mp4"), "--config", str(output)) == 0
    assert read_made(read_comment(tmp_path / "again.mp4"), output)["crf"] == 31
    assert run(str(source), str(style), str(output), *words, "--frames", "2:4", "--into") == 0
    with av.open(str(output)) as container:
        assert container.metadata["comment"] == "mine"
    assert '"ranges":[{"frames":[2,4]' in read_comment(output)


def test_what_a_file_cannot_hold_is_logged(tmp_path, caplog):
    with av.open(str(media.write_full(tmp_path / "full.mkv"))) as source:
        metadata.warn_of_losses(source, 0, tmp_path / "out.mkv")
        assert caplog.messages == []
        metadata.warn_of_losses(source, 0, tmp_path / "out.mp4")
    assert caplog.messages == [".mp4 cannot hold the 1 attached files; .mkv keeps them"]
    with av.open(str(corpus.two_films(tmp_path / "two.mkv"))) as source:
        metadata.warn_of_losses(source, 1, tmp_path / "out.mkv")
    assert caplog.messages[1:] == ["of 2 video tracks the default one, number 1, is used"]
