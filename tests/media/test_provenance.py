"""How a file was made, as it says itself."""

import pytest
from PIL import Image

from tests.helpers import media
from tests.helpers.copies import MADE, copy
from videostyle.errors import UnreadableError
from videostyle.media.image import still
from videostyle.media.provenance import has_comment, read_comment


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".mov", "h264"), (".mkv", "ffv1"), (".webm", "vp9")])
def test_a_video_says_it(clip, tmp_path, suffix, codec):
    output = copy(clip, tmp_path / f"out{suffix}", codec=codec)
    assert has_comment(output)
    assert read_comment(output) == MADE


@pytest.mark.parametrize("suffix", still.WRITABLE)
def test_an_image_says_it(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    still.write_still(path, media.texture(8, 8), "made by a test")
    assert has_comment(path)
    assert read_comment(path) == "made by a test"


def test_what_another_program_made_says_nothing(clip, tmp_path):
    assert read_comment(clip) == ""
    Image.fromarray(media.texture(8, 8)).save(tmp_path / "a.png")
    assert read_comment(tmp_path / "a.png") == ""
    assert not has_comment(tmp_path / "settings.toml")
    (tmp_path / "b.png").write_bytes(b"none")
    for name in ("none.mp4", "none.png", "b.png"):
        with pytest.raises(UnreadableError, match=name):
            read_comment(tmp_path / name)
