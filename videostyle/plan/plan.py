"""What a job will do: plain data, complete when it is built, that another process can take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from videostyle.journal.facts import Facts
from videostyle.media.audio.tracks import Track
from videostyle.media.clip import Clip
from videostyle.media.content import Content, StillContent
from videostyle.media.target import Target
from videostyle.media.video.codecs import Encoding
from videostyle.plan.edit import InsertEdit
from videostyle.plan.request import Request
from videostyle.settings import Settings
from videostyle.style.optimize.schedule import fresh_work


@dataclass(frozen=True)
class SegmentLimits:
    """How long segments are.

    Args:
        longest: Frames of a segment at most.
        shortest: Frames below which a cut does not end a segment.

    """

    longest: int = 24
    shortest: int = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """A request that can be met.

    Args:
        request: As it came, its styles found and its output behind links resolved.
        settings: To work with.
        content: What is restyled.
        target: What is made.
        size: (width, height) at which frames are stylized.
        shown_size: (width, height) of a stylized frame in the result; of a preview it is larger.
        frames: Estimate of how many there are, for progress; None where nothing says.
        facts: What the result depends on, as far as it is known before the work.
        job: What the result is known by: the facts and the weights that are asked for, in short.
        encoding: Of a video.
        tracks: What becomes of a video's other tracks.
        insert: What of a finished output is rendered again; None where all of it is made.
        limits: How long segments are.

    """

    request: Request
    settings: Settings
    content: Content
    target: Target
    size: tuple[int, int]
    shown_size: tuple[int, int]
    frames: int | None
    facts: Facts
    job: str
    encoding: Encoding | None = None
    tracks: tuple[Track, ...] = ()
    insert: InsertEdit | None = None
    limits: SegmentLimits = SegmentLimits()

    @property
    def output(self) -> Path:
        return self.target.path

    @property
    def clip(self) -> Clip:
        """Facts of a video or of numbered images."""
        if isinstance(self.content, StillContent):
            raise ValueError(f"{self.content.path} is a single image")
        return self.content.clip

    @property
    def first_number(self) -> int:
        """Number of the image that the source's first frame becomes."""
        return self.request.number(1 if isinstance(self.content, StillContent) else self.content.first_number)

    @property
    def written_size(self) -> tuple[int, int]:
        """(width, height) of what is written: two frames if they stand side by side."""
        width, height = self.shown_size
        return (2 * width if self.request.side_by_side else width), height

    @property
    def is_passthrough(self) -> bool:
        """Whether no step is taken anywhere, so that pixels pass through."""
        return self.request.network is None and not (self.settings.iterations or self.settings.first_iterations)

    @property
    def independent(self) -> bool:
        """Whether no frame needs another one."""
        return self.settings.independent or self.is_passthrough

    @property
    def keeps_frames(self) -> bool:
        """Whether the finished frames of an open segment are kept: where they cost work, and come one by one."""
        cheap = self.is_passthrough or self.request.network is not None
        return not (cheap or self.insert is not None or self.settings.passes > 1)

    @property
    def work(self) -> float | None:
        """Estimated cost in steps at full size, with no cut but the first."""
        if self.frames is None or self.request.network is not None:
            return None
        again = 0 if self.settings.independent else self.settings.iterations * (self.settings.passes - 1)
        return fresh_work(self.settings, max(self.size)) + again + self.left(1)

    def left(self, done: int) -> float:
        """Estimated cost of what is left after `done` frames, in steps at full size."""
        following = self.settings.iterations * self.settings.passes
        each = fresh_work(self.settings, max(self.size)) if self.settings.independent else following
        return each * max(0, (self.frames or 0) - done)
