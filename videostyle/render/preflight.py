"""What can be refused before the work, and before torch is loaded, which takes seconds."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from videostyle.errors import OutputError, SettingError, UnreadableError, WeightsError
from videostyle.media import muxer, provenance, sequence
from videostyle.render.facts import Facts, plan_facts
from videostyle.render.journal import check_facts, kept_bytes, kept_segments, state_folder, trial_folder
from videostyle.settings import Settings

if TYPE_CHECKING:
    from videostyle.media.audio.tracks import Track
    from videostyle.media.clip import Clip
    from videostyle.media.video.codecs import Encoding
    from videostyle.render.plan import Plan

NAMED_WEIGHTS = ("auto", "imagenet", "builtin")
BITS = {"ffv1": 8.0, "prores": 3.0, "prores4444": 5.0}  # a pixel takes at least about this in a film
USUAL_BITS = 0.1
PICTURE_BITS = 8.0
STATE_BYTES = 100  # a pixel takes in the states that are kept, at least


def check_engine(settings: Settings) -> None:
    """The device by its name, and the weights as far as their file's header tells.

    Raises:
        SettingError: There can be no such device.
        WeightsError: The file is not there, or holds something else.

    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?(,cuda:\d+)*", settings.device):
        raise SettingError("device", settings.device, "auto, cpu, cuda, cuda:N or several of these: cuda:0,cuda:1")
    if settings.weights not in NAMED_WEIGHTS:
        _check_weights(Path(settings.weights))


def _check_weights(path: Path) -> None:
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}; say auto, imagenet, builtin or a file that exists")
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise WeightsError(f"{path} must end in .safetensors, .pth or .pt")
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="np") as file:
                names = set(file.keys())
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{path} is no sound safetensors file: {' '.join(str(error).split())}") from error
        if "features.0.weight" not in names:
            raise WeightsError(f"{path} has no features.0.weight; torchvision's vgg19 names are expected")


def check_container(output: Path, clip: Clip, size: tuple[int, int], encoding: Encoding, tracks: list[Track]) -> None:
    """Write the planned header where the film will be written, and remove it again.

    Raises:
        OutputError: The directory is not writable, or the container cannot hold the streams.

    """
    folder = state_folder(output)
    try:
        with trial_folder(folder):
            muxer.check_output(folder / f"trial-{os.getpid()}{output.suffix}", clip, size, encoding, tracks)
    except OutputError as error:
        raise OutputError(output, error.reason) from error
    except OSError as error:
        raise OutputError(output, f"{error.strerror}; choose another directory") from error


def with_facts(plan: Plan, results: Iterable[Path], more: Facts | None = None) -> Plan:
    """The plan with its facts, and whether it is finished; work that is kept has to be wanted, and of this very job.

    Args:
        plan: What is known of the job.
        results: All files that it makes.
        more: Facts.

    Raises:
        OutputError: Work is kept beside the output that is not wanted, or of another job.

    """
    request, facts = plan.request, plan_facts(plan) | (more or {})
    if request.resume:
        check_facts(request.output, facts)
    elif kept_segments(request.output) and not request.overwrite:
        raise OutputError(
            request.output,
            f"unfinished work on it is kept in {state_folder(request.output)}; "
            "--resume goes on with that, --overwrite begins anew",
        )
    plan = replace(plan, facts=facts)
    return replace(plan, finished=request.resume and _all_made_by(plan.job, list(results)))


def _all_made_by(job: str, results: Sequence[Path]) -> bool:
    return bool(results) and all(made_by(job, result) for result in results)


def made_by(job: str, result: Path) -> bool:
    """Whether a file is there that says of itself to be of this job."""
    try:
        return result.is_file() and f'"job":"{job}"' in provenance.read_comment(result)
    except UnreadableError:
        return False


def check_room(plan: Plan, also: int = 0) -> None:
    """See that the disk can hold the least that a job of this size takes, and `also` so many bytes.

    Raises:
        OutputError: It cannot.

    """
    output = plan.request.output
    needed, free = _needed(plan) + also, shutil.disk_usage(output.parent).free + kept_bytes(output)
    if needed > free:
        raise OutputError(
            output, f"it needs about {_megabytes(needed)} there, and {_megabytes(free)} are free; choose another disk"
        )


def _needed(plan: Plan) -> float:
    """Bytes: of a film's segments and of the film joined from them, and of what is left to the next segment."""
    width, height = plan.written_size
    if sequence.is_sequence(plan.request.output):
        each = PICTURE_BITS
    else:
        each = 2 * BITS.get(plan.encoding.codec if plan.encoding else plan.settings.codec, USUAL_BITS)
    state = 0 if plan.untouched or plan.settings.independent else STATE_BYTES
    return width * height * (each / 8 * (plan.frames or 0) + state)


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.1f} MB"
