"""The tables of docs/files-and-codecs.md: what becomes of what lies beside the picture, by container."""

import struct
from pathlib import Path

import av
import pytest
from PIL import ExifTags, Image

from tests.helpers import corpus, media
from tests.helpers.jobs import copied
from tests.media.image.test_tags import photo
from tests.media.test_marks import add_box, captioned, dolby, stereo, stereo_mode

PAGE = Path(__file__).parents[2] / "docs" / "files-and-codecs.md"
COMMENT = {"title": "T", "comment": "mine"}
KEYS = {"com.apple.quicktime.make": "Apple"}
PLACE = {"title": "T", "artist": "A", "date": "2026", "location": "+48.1000+011.5000/"}


def tables():
    """Yield (what, suffix, cell) of every row of the page's tables."""
    suffixes = []
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| of a "):
            suffixes = cells[1:]
        elif line.startswith("| ") and suffixes and "---" not in line:
            yield from ((cells[0], suffix, cell) for suffix, cell in zip(suffixes, cells[1:], strict=True))
        elif not line.startswith("|"):
            suffixes = []


def tags(path):
    with av.open(str(path)) as container:
        return {name.lower(): value for name, value in container.metadata.items()}


def streams(path, kind):
    with av.open(str(path)) as container:
        return [
            {k.lower(): v for k, v in stream.metadata.items()} for stream in container.streams if stream.type == kind
        ]


def chapters(path):
    with av.open(str(path)) as container:
        return [chapter["metadata"].get("title") for chapter in container.chapters()]


def covers(path):
    with av.open(str(path)) as container:
        return len(container.streams.video) - 1


def reel(path):
    return any("reel_name" in found for kind in ("video", "data") for found in streams(path, kind))


def around(path):
    """A film with the boxes of 360°."""
    corpus.film(path)
    parts = (b"svhd", bytes(5)), (b"proj", b"\0\0\0\x18prhd" + bytes(16) + b"\0\0\0\x1cequi" + bytes(20))
    inner = b"".join(struct.pack(">I4s", 8 + len(data), name) + data for name, data in parts)
    add_box(path, b"avc1", struct.pack(">I4s", 8 + len(inner), b"sv3d") + inner)
    return path


def exif(path):
    with Image.open(path) as image:
        found = image.getexif()
        found.load_now = [found.get_ifd(number) for number in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)]
        return found, dict(image.info)


def taken(path):
    found, _ = exif(path)
    wanted = (ExifTags.Base.DateTime, ExifTags.Base.Make, ExifTags.Base.Artist, ExifTags.Base.Copyright)
    return all(found.get(name) for name in wanted)


FILMS = {  # row → source, whether a result has it, words of the notice that it has not
    "languages, titles and flags of tracks": (
        "in.mkv",
        media.write_full,
        lambda path: streams(path, "audio")[0]["language"] == "eng",
        "",
    ),
    "chapters": ("in.mkv", media.write_full, lambda path: chapters(path) == ["Part 1", "Part 2"], ""),
    "title, artist, date, place": (
        "in.mkv",
        lambda path: corpus.film(path, tags=PLACE),
        lambda path: tags(path).items() >= PLACE.items(),
        "",
    ),
    "a comment of your own": (
        "in.mkv",
        lambda path: corpus.film(path, tags=COMMENT),
        lambda path: tags(path).items() >= COMMENT.items(),
        "",
    ),
    "QuickTime's keys (`com.apple.quicktime.…`)": (
        "in.mov",
        lambda path: corpus.film(path, tags=KEYS, container={"movflags": "use_metadata_tags"}),
        lambda path: tags(path).items() >= KEYS.items(),
        "cannot hold the tags com.apple.quicktime.make",
    ),
    "text subtitles": ("in.mkv", media.write_full, lambda path: media.texts(path) == list(media.LINES), "they become"),
    "attachments, such as fonts": ("in.mkv", media.write_full, lambda path: streams(path, "attachment"), "attached"),
    "start timecode": (
        "in.mov",
        lambda path: corpus.film(path, timecode="10:00:00:00"),
        lambda path: streams(path, "video")[0].get("timecode") == "10:00:00:00",
        "",
    ),
    "reel": ("in.mov", lambda path: corpus.film(path, timecode="10:00:00:00", reel="A1"), reel, ""),
    "3D: two views in a frame": ("in.mkv", stereo, stereo_mode, "3D"),
    "360°": ("in.mp4", around, lambda path: b"sv3d" in path.read_bytes(), "360°"),
    "captions (CEA-608, CEA-708)": ("in.ts", captioned, lambda path: b"GA94" in path.read_bytes(), "captions"),
    "Dolby Vision, HDR10+": ("in.mp4", dolby, lambda path: b"dvvC" in path.read_bytes(), "Dolby Vision"),
    "cover pictures": ("in.mp4", corpus.with_cover, covers, ""),
}
PHOTOS = {
    "date, camera, author, copyright": taken,
    "place": lambda path: exif(path)[0].load_now[1].get(2),
    "dots per inch": lambda path: round(float(exif(path)[1].get("dpi", [0])[0])) == 300,
    "XMP, IPTC, maker's notes, thumbnail": lambda path: ExifTags.Base.MakerNote in exif(path)[0].load_now[0],
}


@pytest.mark.parametrize(("what", "suffix", "cell"), [row for row in tables() if row[0] not in PHOTOS])
def test_a_film_goes_with_what_the_page_says(tmp_path, style, caplog, what, suffix, cell):
    name, make, has, notice = FILMS[what]
    source, output = make(tmp_path / name), tmp_path / f"out{suffix}"
    assert has(source)
    copied(source, style, output)
    told = bool(notice) and any(notice in line for line in caplog.messages)
    assert (bool(has(output)), told) == {
        "kept": (True, False), "converted": (True, True), "told": (False, True), "no": (False, False),
    }[cell]  # fmt: skip


@pytest.mark.parametrize(("what", "suffix", "cell"), [row for row in tables() if row[0] in PHOTOS])
def test_a_photo_goes_with_what_the_page_says(tmp_path, style, what, suffix, cell):
    source, output = photo(tmp_path / "in.jpg"), tmp_path / f"out{suffix}"
    assert PHOTOS[what](source)
    copied(source, style, output)
    assert bool(PHOTOS[what](output)) == (cell == "kept")


def test_the_page_has_every_row():
    assert {what for what, _, _ in tables()} == {*FILMS, *PHOTOS}
