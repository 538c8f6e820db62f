"""How a finished file was made, as its own metadata says."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, TiffImagePlugin

from videostyle.errors import UnreadableError
from videostyle.media.demux import open_source
from videostyle.media.image import still
from videostyle.media.video import codecs


def has_comment(path: Path) -> bool:
    """Return whether videostyle writes files of this name, by its suffix."""
    return path.suffix.lower() in (*codecs.SUFFIXES, *still.WRITABLE)


def read_comment(path: Path) -> str:
    """Return the comment in the metadata of a video or an image; empty if it has none.

    Raises:
        UnreadableError: It cannot be opened.

    """
    return _image_comment(path) if still.is_still(path) else _video_comment(path)


def _video_comment(path: Path) -> str:
    with open_source(path) as (container, _):
        return next((value for name, value in container.metadata.items() if name.lower() == "comment"), "")


def _image_comment(path: Path) -> str:
    try:
        with Image.open(path) as image:
            comment = image.info.get("Comment") or image.info.get("comment") or _description(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableError(path, getattr(error, "strerror", None) or str(error)) from error
    return comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)


def _description(image: Image.Image) -> str:
    """Return a TIFF's own description; empty for any other image."""
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    return str(tags.get(TiffImagePlugin.IMAGEDESCRIPTION, ""))
