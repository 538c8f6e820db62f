"""Which container holds which stream, and under which name."""

from pathlib import Path

import av
import pytest

from tests.helpers import media
from videostyle.media.audio.tracks import holds, label


@pytest.mark.parametrize(
    ("suffix", "codec", "expected"),
    [
        (".mp4", "aac", True),
        (".mp4", "tta", False),
        (".mkv", "tta", True),
        (".webm", "aac", False),
        (".webm", "libopus", True),
        (".xyz", "aac", False),
    ],
)
def test_a_container_holds_what_it_writes_a_header_for(suffix, codec, expected):
    assert holds(Path(f"out{suffix}"), lambda trial: trial.add_stream(codec, rate=48000)) is expected


@pytest.mark.parametrize(("suffix", "language"), [(".mkv", "deu"), (".mov", "ger")])
def test_a_track_keeps_language_title_and_default(tmp_path, suffix, language):
    path = media.write_full(tmp_path / "full.mkv")
    with av.open(str(path)) as source, av.open(str(tmp_path / f"out{suffix}"), "w") as target:
        stream = source.streams.audio[1]
        added = target.add_stream_from_template(stream)
        label(added, stream, tmp_path / f"out{suffix}")
        assert dict(added.metadata) == {"language": language, "title": "Deutsch"}
        assert added.disposition & av.stream.Disposition.default
