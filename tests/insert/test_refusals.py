"""What does not fit is refused before the work, and left as it is."""

import json
from fractions import Fraction

import pytest

import videostyle
from tests.helpers import media
from tests.helpers.inserts import anew, render
from tests.helpers.jobs import PLAIN
from videostyle.errors import InputError, OutputError, UnreadableError
from videostyle.media.probe import probe
from videostyle.media.reader import read_frames
from videostyle.media.video.codecs import choose
from videostyle.media.writer import VideoWriter


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
