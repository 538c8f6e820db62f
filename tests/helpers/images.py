"""Image files made for the tests, with the oldest or plainest tool for each kind."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Samples = NDArray[np.uint8 | np.uint16]


def noise(*shape: int, depth: int = 16, seed: int = 0) -> Samples:
    kind = {8: np.uint8, 16: np.uint16}[depth]
    return np.random.default_rng(seed).integers(0, 2**depth, shape, kind)


def wide_profile() -> bytes:
    """An RGB profile with the primaries of Adobe RGB (1998)."""
    primaries = [0.64, 0.33, 1, 0.21, 0.71, 1, 0.15, 0.06, 1]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=[0.3127, 0.3290, 1.0], primaries=primaries, gamma=2.2))


def cmyk_profile(corners: NDArray[np.float64]) -> bytes:
    """A CMYK profile of one table: the Lab color, (16, 3), of each mix of full inks, C slowest and K fastest."""
    lab = np.column_stack([corners[:, 0] / 100 * 255, corners[:, 1] + 128, corners[:, 2] + 128])
    ramp = bytes(range(256))
    unchanged = b"".join(struct.pack(">i", 65536 * (i in (0, 4, 8))) for i in range(9))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + unchanged + ramp * 4
    table += lab.round().clip(0, 255).astype(np.uint8).tobytes() + ramp * 3
    name = b"test inks\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"A2B0": table,
    }
    at, directory, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        directory += tag + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(body), bytes(4), 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + directory + body


def save_with(image: Image.Image, path: Path, orientation: int) -> None:
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)


def imread_rgba(path: Path) -> Samples:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image
