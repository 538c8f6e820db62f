"""What a photo says of itself and its result repeats: date, camera, author, copyright, place, dots per inch."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import ImageFileDirectory_v2

log = logging.getLogger(__name__)

_KEPT = (
    Base.ImageDescription, Base.Make, Base.Model, Base.XResolution, Base.YResolution, Base.ResolutionUnit,
    Base.Software, Base.DateTime, Base.Artist, Base.HostComputer, Base.Copyright, Base.Rating, Base.XPTitle,
    Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject,
)  # fmt: skip
_OF_THE_PIXELS = (  # what is not true of the result, or points into the source
    Base.MakerNote, Base.ColorSpace, Base.ExifImageWidth, Base.ExifImageHeight, ExifTags.Base.ComponentsConfiguration,
    Base.CompressedBitsPerPixel, IFD.Interop,
)  # fmt: skip
_LONGEST = 65_533  # bytes of an EXIF block, which a JPEG has in one segment
_LONG = 4  # TIFF's type of an offset
_DAMAGE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, SyntaxError, ArithmeticError)


@dataclass(frozen=True, eq=False)
class PhotoTags:
    """Tags of a photo.

    Args:
        main: By EXIF's numbers: those of the picture.
        exif, gps: By EXIF's numbers: how it was taken, and where.
        dpi: Dots per inch, across and down; None if unknown.

    """

    main: dict[int, Any]
    exif: dict[int, Any]
    gps: dict[int, Any]
    dpi: tuple[float, float] | None = None

    def block(self) -> bytes:
        """Return all tags as an EXIF block, with its header; empty if there are none."""
        if not (self.main or self.exif or self.gps):
            return b""
        block = Image.Exif()
        block.update(self.main)
        for number, tags in ((IFD.Exif, self.exif), (IFD.GPSInfo, self.gps)):
            if tags:
                block[number] = tags
        return block.tobytes()


NO_TAGS = PhotoTags({}, {}, {})


def photo_tags(image: Image.Image, path: Path) -> PhotoTags:
    """Read the tags of an opened image that a result of it keeps; log if they are damaged."""
    dpi = image.info.get("dpi")
    try:
        found = image.getexif()
        main: dict[int, Any] = {number: found[number] for number in _KEPT if number in found}
        exif, gps = found.get_ifd(IFD.Exif), found.get_ifd(IFD.GPSInfo)
        exif = {number: value for number, value in exif.items() if number not in _OF_THE_PIXELS}
        tags = PhotoTags(main, exif, dict(gps), _dots(dpi))
        if len(tags.block()) > _LONGEST:
            raise ValueError("they are too long")
    except (*_DAMAGE, struct.error) as error:
        log.warning("the tags of %s are left out: %s", path, error)
        return NO_TAGS
    return tags


def append_directories(data: bytes, tags: PhotoTags) -> bytes:
    """Append the directories of EXIF and place, and a main one that names them, to a little-endian TIFF file."""
    file, entries = bytearray(data), _entries(data)
    for number, held in ((IFD.Exif, tags.exif), (IFD.GPSInfo, tags.gps)):
        if held:
            file += bytes(len(file) % 2)
            entries.append(struct.pack("<HHII", number, _LONG, 1, len(file)))
            directory = ImageFileDirectory_v2(b"II*\0\0\0\0\0", group=number)
            directory.update(held)
            file += directory.tobytes(len(file))
    file += bytes(len(file) % 2)
    file[4:8] = struct.pack("<I", len(file))
    entries.sort(key=lambda entry: struct.unpack("<H", entry[:2]))
    return bytes(file + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4))


def _entries(data: bytes) -> list[bytes]:
    """Return the entries of the main directory of a little-endian TIFF file."""
    (begin,) = struct.unpack("<I", data[4:8])
    (count,) = struct.unpack("<H", data[begin : begin + 2])
    return [data[at : at + 12] for at in range(begin + 2, begin + 2 + 12 * count, 12)]


def _dots(dpi: Any) -> tuple[float, float] | None:
    if not dpi:
        return None
    across, down = (float(each) for each in dpi)
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None
