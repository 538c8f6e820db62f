"""What is there already: work that a job was stopped at, or its finished result."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from videostyle.errors import OutputError
from videostyle.journal.digests import read_list
from videostyle.journal.facts import Facts
from videostyle.journal.folder import own_files, state_folder
from videostyle.journal.journal import check_facts, has_kept_work
from videostyle.media.content import SequenceContent, StillContent, VideoContent
from videostyle.media.target import SequenceTarget
from videostyle.plan.identity import made_by
from videostyle.plan.plan import Plan
from videostyle.plan.request import Request

log = logging.getLogger(__name__)


def check_kept_work(request: Request, facts: Facts) -> None:
    """See that work that is kept beside the output is wanted, and is of this very job.

    Raises:
        OutputError: It is not.

    """
    if request.resume:
        check_facts(request.output, facts)
    elif has_kept_work(request.output) and not request.overwrite:
        raise OutputError(
            request.output,
            f"unfinished work on it is kept in {state_folder(request.output)}; "
            "--resume goes on with that, --overwrite begins anew",
        )


def is_finished(plan: Plan) -> bool:
    """Whether `--resume` finds the result there, made by this very job."""
    if not plan.request.resume:
        return False
    results = list(_results(plan))
    return bool(results) and all(made_by(plan.job, result) for result in results)


def _results(plan: Plan) -> Iterator[Path]:
    """All files that a job makes; none while work on numbered images is kept."""
    if not isinstance(plan.target, SequenceTarget) or isinstance(plan.content, StillContent):
        yield plan.output
    elif not has_kept_work(plan.output):
        yield from plan.target.frame_files(plan.first_number, _requested(plan, plan.content))


def _requested(plan: Plan, content: VideoContent | SequenceContent) -> Sequence[int]:
    """Indices of the frames that are asked for; of a video, as its packets say: never less than are shown of it."""
    if plan.insert is not None:
        return plan.insert.requested
    return plan.request.span.indices(next(content.possible_times()))


def warn_of_older(plan: Plan, content: VideoContent | SequenceContent, target: SequenceTarget) -> None:
    """Warn of numbered images of the output's name that the job does not write, so that they stay beside its own."""
    there = target.numbers()
    own = {plan.first_number + index for index in _requested(plan, content)} if there else set()
    older = [target.file(number).name for number in there if number not in own]
    if older:
        words = "%d older pictures stay beside the new ones: %s to %s; delete them if they are of no use"
        log.warning(words, len(older), older[0], older[-1])


def check_free(request: Request) -> None:
    """See that the output does not exist, or may be replaced.

    Raises:
        OutputError: It exists.

    """
    if request.output.exists() and not request.overwrite:
        raise OutputError(request.output, "it exists; choose another name or say --overwrite")


def kept_pictures(output: Path) -> set[Path]:
    """Return the numbered images that the work kept beside `output` has made, in segments that were finished once."""
    lists = (path for path in own_files(state_folder(output)) if path.suffix == ".packets")
    return {output.parent / name for path in lists for name in read_list(path)}


def check_numbers(plan: Plan, content: VideoContent | SequenceContent, target: SequenceTarget) -> None:
    """See that no numbered image is in the way, but what this very job made before it was stopped.

    Raises:
        OutputError: One is.

    """
    request = plan.request
    if request.overwrite:
        return
    begin, end = content.index_range(request.span)
    first, own = plan.first_number, kept_pictures(request.output) if request.resume else set()
    for number in target.numbers():
        if number >= first + begin and (end is None or number < first + end):
            there = target.file(number)
            if not (there in own or (request.resume and made_by(plan.job, there))):
                raise OutputError(there, "it exists; choose another name or say --overwrite")
