"""Names that no output has."""

import os

import pytest

from tests.helpers import media
from tests.helpers.jobs import made
from videostyle.errors import OutputError


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize("name", ["out.mkv", "out.png"])
def test_a_pipe_is_no_output(style, tmp_path, name):
    photo = media.write_picture(tmp_path / "photo.png")
    os.mkfifo(tmp_path / name)
    for words in ({}, {"overwrite": True}):
        with pytest.raises(OutputError, match="pipe"):
            made(photo, style, tmp_path / name, **words)
    assert (tmp_path / name).is_fifo()
