"""How a finished file was made, as its own metadata says."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, TiffImagePlugin

from videostyle.errors import UnreadableError
from videostyle.media.demux import open_source
from videostyle.media.image import still
from videostyle.media.video import codecs


def is_provenance(text: str) -> bool:
    """Return whether a tag says how videostyle made the file."""
    return text.startswith('{"videostyle":')


def has_comment(path: Path) -> bool:
    """Return whether videostyle writes files of this name, by its suffix."""
    return path.suffix.lower() in (*codecs.SUFFIXES, *still.WRITABLE)


def read_comment(path: Path) -> str:
    """Return what the metadata of a video or an image say of how it was made, else its comment, or nothing.

    Raises:
        UnreadableError: It cannot be opened.

    """
    return _image_comment(path) if still.is_still(path) else _video_comment(path)


def _video_comment(path: Path) -> str:
    with open_source(path) as (container, _):
        tags = {name.lower(): value for name, value in container.metadata.items()}
    return next(filter(is_provenance, tags.values()), tags.get("comment", ""))


def _image_comment(path: Path) -> str:
    try:
        with Image.open(path) as image:
            comment = image.info.get("Comment") or image.info.get("comment") or _description(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableError(path, getattr(error, "strerror", None) or str(error)) from error
    return comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)


def _description(image: Image.Image) -> str:
    """Return what a TIFF says of its software, or its description; empty for any other image."""
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    said = [str(tags.get(number, "")) for number in (TiffImagePlugin.SOFTWARE, TiffImagePlugin.IMAGEDESCRIPTION)]
    return next(filter(is_provenance, said), "") or next(filter(None, said), "")
