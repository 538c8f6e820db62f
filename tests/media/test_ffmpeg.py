"""FFmpeg's errors, as ours."""

from pathlib import Path

import av
import pytest

from videostyle.errors import MediaError, OutputError
from videostyle.media.ffmpeg import ffmpeg_errors


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (
            ValueError("no such codec"),
            OutputError,
            r"out\.xyz: \.xyz cannot hold this video \(no such codec\); try \.mp4",
        ),
        (av.error.ArgumentError(22, "Invalid argument"), OutputError, "cannot hold this video"),
        (av.error.PermissionError(13, "Permission denied"), OutputError, "choose a directory that you may write to"),
        (av.error.ExternalError(1, "struck"), MediaError, r"writing out\.xyz failed: struck; is the disk full\?"),
        (OSError(28, "No space left on device"), MediaError, "No space left on device; is the disk full"),
    ],
)
def test_what_ffmpeg_says_becomes_what_to_do(error, expected, words):
    with pytest.raises(expected, match=words) as caught, ffmpeg_errors(Path("out.xyz")):
        raise error
    assert caught.value.__cause__ is error


def test_other_errors_pass():
    with pytest.raises(KeyError), ffmpeg_errors(Path("out.mp4")):
        raise KeyError
