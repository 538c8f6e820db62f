"""What the user asks for, in the words of the command line and of `stylize_video`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from videostyle.frames import Span
from videostyle.settings import Gaps, Settings


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asks for.

    Args:
        content: A video, numbered images as `shot.%04d.png`, or an image; for a directory as output, also a
            directory or pattern of images.
        styles: One image or more; a directory or pattern stands for its images. Or one look file, until it is planned.
        network: A look file that styles in the place of images.
        output: A video or numbered images for either, an image for an image; or a directory.
        settings: How.
        span: Which frames of a video.
        preview: A fast draft of the same look: quarter the pixels, enlarged; fewer steps.
        overwrite: An output that exists may be replaced.
        fps: Numbered images per second; `sequence.RATE` by default.
        attention_map: Where to write what stands out in the first frame, as an image.
        side_by_side: Put the content to the left of the result.
        resume: Go on with a job that was stopped.
        gaps: What becomes of missing numbers among numbered images: refused, held or skipped.
        sound: A file whose sound is laid beside numbered images that become a video.
        first_number: Of the image that the content's first frame becomes; the content's own by default.
        into: The output is finished, and only the frames of `span` are rendered again in it: an insert edit.
        crossfade: Frames over which such a range goes over from the finished look into its own, and back.

    """

    content: Path
    styles: tuple[Path, ...]
    output: Path
    settings: Settings = field(default_factory=Settings)
    span: Span = Span()
    preview: bool = False
    overwrite: bool = False
    fps: Fraction | None = None
    attention_map: Path | None = None
    side_by_side: bool = False
    resume: bool = False
    into: bool = False
    crossfade: int = 0
    gaps: Gaps = "refuse"
    sound: Path | None = None
    first_number: int | None = None
    network: Path | None = None

    @property
    def style_files(self) -> tuple[Path, ...]:
        """The files that hold the style."""
        return self.styles if self.network is None else (self.network,)

    def number(self, own: int) -> int:
        """The number of the image that the content's first frame becomes, whose `own` number is another, maybe."""
        return own if self.first_number is None else self.first_number

    @property
    def effective_settings(self) -> Settings:
        """The settings to work with: a preview takes fewer steps."""
        return self.settings.for_preview() if self.preview else self.settings


def as_paths(style: Path | str | Sequence[Path | str]) -> tuple[Path, ...]:
    """One style or several, as paths."""
    return (Path(style),) if isinstance(style, (str, Path)) else tuple(Path(s) for s in style)
