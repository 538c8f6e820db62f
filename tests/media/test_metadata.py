"""Tags, chapters and attachments."""

from fractions import Fraction

import av
import pytest

from tests.helpers import corpus, media
from videostyle.media import metadata

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
    with av.open(str(path)) as source, av.open(str(tmp_path / "out.mkv"), "w") as target:
        target.metadata["comment"] = "ours"
        metadata.add_tags(target, source)
        found = {name.lower(): value for name, value in target.metadata.items()}
    assert found == {"title": "A film", "artist": "someone", "comment": "ours"}


def test_what_a_file_cannot_hold_is_logged(tmp_path, caplog):
    with av.open(str(media.write_full(tmp_path / "full.mkv"))) as source:
        metadata.warn_of_losses(source, 0, tmp_path / "out.mkv")
        assert caplog.messages == []
        metadata.warn_of_losses(source, 0, tmp_path / "out.mp4")
    assert caplog.messages == [".mp4 cannot hold the 1 attached files; .mkv keeps them"]
    with av.open(str(corpus.two_films(tmp_path / "two.mkv"))) as source:
        metadata.warn_of_losses(source, 1, tmp_path / "out.mkv")
    assert caplog.messages[1:] == ["of 2 video tracks the default one, number 1, is used"]
