"""What a finished file says about how it was made."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, TiffImagePlugin

from videostyle.errors import UnreadableError
from videostyle.media.image import still
from videostyle.media.source import open_source
from videostyle.media.video import codecs


def has_comment(path: Path) -> bool:
    """Whether a file of this name is one that videostyle writes."""
    return path.suffix.lower() in (*codecs.SUFFIXES, *still.WRITABLE)


def read_comment(path: Path) -> str:
    """The comment in a video's or a picture's metadata.

    Raises:
        UnreadableError: It cannot be opened.

    """
    if not still.is_still(path):
        with open_source(path) as (container, _):
            return next((v for k, v in container.metadata.items() if k.lower() == "comment"), "")
    try:
        with Image.open(path) as image:
            said = image.info.get("Comment") or image.info.get("comment") or _description(image)
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error)) from error
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _description(image: Image.Image) -> str:
    """What a TIFF says of itself, and nothing else."""
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    return str(tags.get(TiffImagePlugin.IMAGEDESCRIPTION, ""))
