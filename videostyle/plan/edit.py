"""An insert edit: a range of a finished output that is rendered again, while the rest stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostyle.frames import Pixels, Span
from videostyle.media.existing import Existing
from videostyle.motion.shots import FLASH, LOOKAHEAD

Provenance = Mapping[str, Any]  # what a result says of how it was made


@dataclass(frozen=True, eq=False)
class InsertEdit:
    """Which frames of a finished output are rendered again; all are counted in the source.

    Args:
        existing: The video or the images, as they are.
        held: The frames that the output was made of.
        requested: The frames to be stylized.
        reencoded: The frames to be encoded: those, and those whose packets hang together with theirs.
        continues_before: The first one starts from the finished frame before it.
        continues_after: The last ones lead to the finished frame after them.
        provenance: What the output says of how it was made.
        crossfade: Frames at each end of the requested ones in which the finished look is mixed with the new one.

    """

    existing: Existing
    held: range
    requested: range
    reencoded: range
    continues_before: bool
    continues_after: bool
    provenance: Provenance
    crossfade: int = 0

    @property
    def source_span(self) -> Span:
        """The frames of the source that have to be read for these."""
        last = max(self.reencoded.stop, self.requested.stop + 1 + LOOKAHEAD + FLASH)
        return Span(self.held.start, min(self.held.stop, last))

    def places(self, indices: range) -> range:
        """Where frames of the source are in the output."""
        return range(indices.start - self.held.start, indices.stop - self.held.start)

    def read(self, indices: range) -> Iterator[Pixels]:
        """Yield the finished frames with these indices."""
        return self.existing.read(self.places(indices))

    def file(self, index: int) -> Path:
        """The file that holds a finished frame."""
        return self.existing.file(index - self.held.start)

    def finished_frame(self, index: int, size: tuple[int, int]) -> Pixels:
        """The finished frame at an index, without what was added to its right and below, or to its left."""
        (pixels,) = self.read(range(index, index + 1))
        return pixels[: size[1], -size[0] :]

    def provenance_after(self, into: str, range_provenance: str) -> str:
        """How the output was made once the range is in it, as JSON.

        Args:
            into: Digest of the output before the edit.
            range_provenance: JSON that says how the range was made.

        """
        part = {
            "frames": [self.requested.start, self.requested.stop], "into": into, **json.loads(range_provenance)
        }  # fmt: skip
        ranges = [*self.provenance["ranges"], part]
        return json.dumps({**self.provenance, "ranges": ranges}, separators=(",", ":"))
