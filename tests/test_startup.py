"""What loads when there is nothing to do."""

import subprocess
import sys

import pytest

import videostyle

HEAVY = ("torch", "torchvision", "cv2", "av", "PIL", "tifffile", "imagecodecs", "matplotlib", "numpy")


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["evaluate", "--help"], ["bench", "--help"], ["in.mp4"]])
def test_words_alone_load_no_codec_and_no_network(words):
    code = f"""
import sys
from videostyle.cli import main
try:
    main({words!r})
except SystemExit:
    print("loaded", sorted(sys.modules.keys() & {set(HEAVY)!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip().splitlines()[-1] == "loaded []"


def test_every_public_name_is_there():
    assert set(videostyle.__all__) <= set(dir(videostyle))
    assert all(getattr(videostyle, name) is not None for name in videostyle.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = videostyle.nothing
