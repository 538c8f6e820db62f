"""What CONTENT is."""

import pickle
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.helpers import media
from tests.helpers.images import noise
from videostyle.errors import InputError, UnreadableError
from videostyle.frames import Span
from videostyle.media.content import SequenceContent, StillContent, VideoContent, open_content


@pytest.fixture
def shot(tmp_path):
    """Four images of a pan, numbered from 9."""
    for number, image in enumerate(media.panning(4), 9):
        Image.fromarray(image).save(tmp_path / f"shot.{number:04d}.png")
    return tmp_path / "shot.%04d.png"


def test_a_video_is_a_file_of_frames_with_its_audio(clip, tmp_path):
    content = open_content(clip)
    assert isinstance(content, VideoContent)
    assert (content.path, content.size, content.files(), content.first_number) == (clip, (64, 48), [clip], 1)
    assert content.has_audio
    assert not open_content(media.write_clip(tmp_path / "mute.mkv", media.panning(2), sound=None)).has_audio
    frames = list(content.read_frames(content.size, Span(2, 4)))
    assert [frame.index for frame in frames] == [2, 3]
    np.testing.assert_array_equal(frames[0].pixels, media.panning(6)[2])
    assert [track.codec for track in content.plan_tracks(tmp_path / "o.mkv", Span())] == ["flac"]
    assert content.plan_tracks(tmp_path / "o.mkv", Span())[0].encoder is None
    assert content.plan_tracks(tmp_path / "o.mkv", Span(2))[0].encoder == "flac"


@pytest.mark.parametrize(
    ("span", "count"),
    [(Span(), 6), (Span(2), 4), (Span(2, 99), 4), (Span(start=Fraction(1, 12)), 4), (Span(end=Fraction(1, 8)), 3)],
)
def test_the_frames_of_a_range_are_estimated(tmp_path, span, count):
    content = open_content(media.write_clip(tmp_path / "c.mp4", media.panning(6), codec="libx264"))
    assert content.estimate_count(span) == count
    assert content.index_range(span) == (span.first, span.last)


def test_the_times_of_a_damaged_video_are_known_by_decoding_it(tmp_path):
    path = media.write_clip(tmp_path / "hurt.mov", media.panning(8), codec="png", sound=None)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 600] = bytes(600)
    path.write_bytes(data)
    by_packets, by_decoding = open_content(path).possible_times()
    assert by_packets == [Fraction(n, 24) for n in range(8)]
    assert len(by_decoding) == 7
    assert set(by_decoding) < set(by_packets)


def test_numbered_images_are_a_video_without_audio(shot, tmp_path):
    content = open_content(shot, Fraction(12))
    assert isinstance(content, SequenceContent)
    assert (content.path, content.size, content.first_number, content.has_audio) == (shot, (64, 48), 9, False)
    assert content.files() == [tmp_path / f"shot.{number:04d}.png" for number in (9, 10, 11, 12)]
    assert list(content.possible_times()) == [[Fraction(n, 12) for n in range(4)]]
    span = Span(start=Fraction(1, 12), end=Fraction(3, 12))
    assert [frame.index for frame in content.read_frames(content.size, span)] == [1, 2]
    assert (content.estimate_count(span), content.index_range(span)) == (2, (1, 3))
    assert content.plan_tracks(tmp_path / "o.mkv", span) == []
    assert open_content(shot).clip.rate == 24
    with pytest.raises(InputError, match="it has 4"):
        content.index_range(Span(4))


def test_a_still_is_the_same_at_every_time(style):
    content = open_content(style)
    assert isinstance(content, StillContent)
    assert (content.path, content.size, content.files(), content.has_audio) == (style, (80, 60), [style], False)
    for span in (Span(), Span(7, 9), Span(start=Fraction(3))):
        (frame,) = content.read_frames((40, 30), span)
        assert frame.pixels.shape == (30, 40, 3)


@pytest.mark.parametrize("name", ["f%d.png", "f0.png"])
def test_images_say_if_they_may_be_transparent(tmp_path, name):
    for channels, expected in ((4, True), (3, False)):
        cv2.imwrite(str(tmp_path / "f0.png"), noise(12, 16, channels, depth=8))
        assert open_content(tmp_path / name).is_transparent is expected


def test_a_content_goes_to_another_process(clip, shot, style):
    for content in map(open_content, (clip, shot, style)):
        there = pickle.loads(pickle.dumps(content))
        assert (there.path, there.size) == (content.path, content.size)
        (ours, *_), (theirs, *_) = (list(each.read_frames((32, 24), Span(0, 1))) for each in (content, there))
        np.testing.assert_array_equal(ours.pixels, theirs.pixels)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.mp4", "there is no such file"),
        ("none.png", "there is no such file"),
        ("none.%d.png", r"there is no file such as none\.1\.png"),
        ("https://example.org/film.mp4", "it is an address; download it first"),
        ("*.jpg", "many images"),
        ("", "many images"),
        ("notes.txt", "no video"),
    ],
)
def test_what_cannot_be_content_is_refused(tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("none")
    path = tmp_path / name if "://" not in name else type(tmp_path)(name)
    with pytest.raises(UnreadableError, match=words):
        open_content(path)
