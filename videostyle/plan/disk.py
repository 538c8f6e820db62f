"""What a disk is asked before the work: whether it has room, and whether it takes the file that is planned."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from videostyle.errors import OutputError
from videostyle.journal.folder import trial_folder
from videostyle.journal.journal import kept_bytes
from videostyle.media.audio.tracks import Track
from videostyle.media.clip import Clip
from videostyle.media.muxer import check_output
from videostyle.media.target import SequenceTarget
from videostyle.media.video.codecs import Encoding
from videostyle.plan.plan import Plan

BITS = {"ffv1": 8.0, "prores": 3.0, "prores4444": 5.0}  # of a video for each pixel, at least, by codec
USUAL_BITS = 0.1  # of other codecs
IMAGE_BITS = 8.0  # of an image for each pixel
STATE_BYTES = 100  # for each pixel of a frame, in the states that are kept
CARRY_BYTES = 100  # for each pixel of a frame, in what the frames of an open segment leave to later ones
FRAME_BYTES = 3  # for each pixel of a frame of an open segment


def check_container(output: Path, clip: Clip, size: tuple[int, int], encoding: Encoding, tracks: list[Track]) -> None:
    """Write a file of one frame and a packet of each track where the video will be written, and remove it again.

    Raises:
        OutputError: The directory is not writable, or the container cannot hold the streams.

    """
    try:
        with trial_folder(output) as folder:
            check_output(folder / f"trial-{os.getpid()}{output.suffix}", clip, size, encoding, tracks)
    except OutputError as error:
        raise OutputError(output, error.reason) from error
    except OSError as error:
        raise OutputError(output, f"{error.strerror}; choose another directory") from error


def check_room(plan: Plan, also: int = 0) -> None:
    """See that the disk can hold the least that a job of this size takes, and `also` so many bytes.

    Raises:
        OutputError: It cannot.

    """
    output = plan.output
    needed, free = _needed(plan) + also, shutil.disk_usage(output.parent).free + kept_bytes(output)
    if needed > free:
        raise OutputError(
            output, f"it needs about {_megabytes(needed)} there, and {_megabytes(free)} are free; choose another disk"
        )


def _needed(plan: Plan) -> float:
    """Bytes: of a video's segments and of the video joined from them, of the states that segments leave, and of the
    finished frames of one segment for each worker.
    """
    width, height = plan.written_size
    if isinstance(plan.target, SequenceTarget):
        each = IMAGE_BITS
    else:
        each = 2 * BITS.get(plan.encoding.codec if plan.encoding else plan.settings.codec, USUAL_BITS)
    state = 0 if plan.independent else STATE_BYTES
    frames = plan.frames or 0
    return width * height * (each / 8 * frames + state + _open_bytes(plan, frames))


def _open_bytes(plan: Plan, frames: int) -> int:
    """Bytes for each pixel of what is kept of open segments."""
    if not plan.keeps_frames:
        return 0
    open_frames = min(frames, plan.limits.longest * (plan.settings.workers or 1))
    return FRAME_BYTES * open_frames + (0 if plan.independent else CARRY_BYTES)


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.1f} MB"
