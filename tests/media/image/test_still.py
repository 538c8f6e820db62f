"""Still images that are scaled, damaged or too large."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.helpers.images import noise
from videostyle.errors import UnreadableError
from videostyle.media.image import still


def test_16_bits_are_scaled_without_losing_them(tmp_path):
    cv2.imwrite(str(tmp_path / "p.png"), np.full((20, 30, 3), 40_001, np.uint16))
    small = still.read_frame(tmp_path / "p.png", (15, 10)).pixels
    assert (small.shape, small.dtype) == ((10, 15, 3), np.uint16)
    assert set(small.ravel()) == {40_001}


def test_an_image_bomb_is_refused_by_its_header(tmp_path):
    header = struct.pack(">II5B", 60_000, 60_000, 16, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 5) + b"IDAT" + bytes(9))
    for read in (still.image_size, still.read_frame):
        with pytest.raises(UnreadableError, match=r"bomb\.png.*pixels"):
            read(tmp_path / "bomb.png")


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_what_is_no_image_is_refused(tmp_path, content):
    path = Path(tmp_path / "p.png")
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=r"p\.png"):
        still.read_still(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("depth", [8, 16])
def test_an_image_cut_short_is_refused(tmp_path, suffix, depth):
    path = tmp_path / f"p{suffix}"
    still.write_still(path, noise(40, 40, 3, depth=depth), "")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UnreadableError, match=r"damaged|no image"):
        still.read_still(path)


def test_a_tiff_whose_tags_contradict_one_another_is_refused(tmp_path):
    """Four bytes too many in its directory, so that a number of rows is read as several."""
    Image.fromarray(np.arange(24 * 16, dtype=np.uint16).reshape(16, 24)).save(tmp_path / "p.tif")
    data = (tmp_path / "p.tif").read_bytes()
    (tmp_path / "p.tif").write_bytes(data[:85] + bytes(4) + data[85:])
    with pytest.raises(UnreadableError, match=r"p\.tif.*tags contradict"):
        still.read_frame(tmp_path / "p.tif")
