"""`videostyle CONTENT STYLE OUTPUT`: restyle one video or image, or a directory of pictures or films."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.cli.flags import JobFlags
from videostyle.cli.streams import say
from videostyle.errors import InputError, MediaError, UnreadableError, as_input_errors
from videostyle.settings import Settings

if TYPE_CHECKING:  # codecs load when there is work
    from videostyle.plan.batch import Batch
    from videostyle.plan.plan import Plan
    from videostyle.plan.request import Request
    from videostyle.render.progress import Summary

USAGE = "videostyle CONTENT STYLE [STYLE ...] OUTPUT [OPTIONS]"


def stylize(paths: tuple[str, ...], job: JobFlags, settings: Settings) -> None:
    """Restyle what the paths name, and print what was made."""
    if len(paths) < 3:
        raise InputError(f"CONTENT, STYLE and OUTPUT are needed: {USAGE}; --help tells more")
    _refuse_numbers(paths)
    request = _request(paths, job, settings)
    with as_input_errors():
        to_folder = paths[-1].endswith("/") or request.output.is_dir()
    if to_folder:
        _stylize_many(request, job)
    else:
        _stylize_one(request, job)


def _refuse_numbers(paths: tuple[str, ...]) -> None:
    """See that no number stands where a path belongs."""
    for word in paths:
        if re.fullmatch(r"[+-]?\d*\.?\d+", word) and not Path(word).exists():
            raise InputError(
                f"{word} stands where a file is expected; an option such as --style-weight takes one number, "
                f"and a file of that name is given as ./{word}"
            )


def _request(paths: tuple[str, ...], job: JobFlags, settings: Settings) -> Request:
    from videostyle.cli.parse import make_span, parse_rate
    from videostyle.plan.request import Request

    content, *styles, output = map(Path, paths)
    return Request(
        content=content,
        styles=tuple(styles),
        output=output,
        settings=settings,
        span=make_span(job.frames, job.start, job.end),
        preview=job.preview,
        overwrite=job.overwrite,
        fps=parse_rate(job.fps) if job.fps is not None else None,
        attention_map=job.attention_map,
        side_by_side=job.side_by_side,
        resume=job.resume,
        into=job.into,
        crossfade=job.crossfade,
        gaps=job.gaps,
        sound=job.sound,
        first_number=job.first_number,
    )


def _stylize_one(request: Request, job: JobFlags) -> None:
    from videostyle.cli.progress import make_progress
    from videostyle.plan.planner import make_plan
    from videostyle.plan.resume import is_finished
    from videostyle.render.run import run

    plan = make_plan(request)
    if job.dry_run:
        say(_dry_run(plan))
        return
    finished = is_finished(plan)
    summary = run(plan, make_progress(job.progress, quiet=job.quiet))
    if not (job.quiet or finished or job.progress == "json"):
        say(_closing_line(summary))


def _dry_run(plan: Plan) -> str:
    """What a plan would do, and how long it would take."""
    from videostyle.cli.progress import estimate_line
    from videostyle.render.estimate import estimate_seconds
    from videostyle.render.run import engines_of

    seconds = estimate_seconds(plan, engines_of(plan))
    width, height = plan.written_size
    lines = [
        f"content: {plan.content.path}",
        f"styles: {', '.join(map(str, plan.request.style_files))}",
        f"output: {plan.output}, {width}x{height}" + (f", {plan.encoding.codec}" if plan.encoding else ""),
    ]
    return "\n".join([*lines, *([estimate_line(plan, seconds)] if seconds is not None else [])])


def _stylize_many(request: Request, job: JobFlags) -> None:
    """The pictures of a directory or pattern, and then its films."""
    from videostyle.plan.films import find_films

    with as_input_errors():
        films = find_films(request.content)
        pictures = not films or _has_pictures(request.content)
    if pictures:
        _stylize_images(request, job)
    if films:
        _stylize_films(request, films, job)


def _has_pictures(content: Path) -> bool:
    from videostyle.media.image import still

    try:
        return still.is_many(content) and bool(still.find_images(content))
    except UnreadableError:
        return False


def _stylize_films(request: Request, found: Sequence[Path], job: JobFlags) -> None:
    from videostyle.cli.progress import make_progress
    from videostyle.plan.films import plan_films
    from videostyle.render.run import run_films

    films = plan_films(request, found)
    asked = _counted(len(films.requests), "film")
    if job.dry_run:
        say("\n".join([*(f"{each.content} → {each.output}" for each in films.requests), f"{asked} in {films.folder}"]))
        return
    made = list(run_films(films, partial(make_progress, job.progress, quiet=job.quiet)))
    if not (job.quiet or job.progress == "json"):
        say(f"{_counted(len(made), 'film')} in {sum(each.seconds for each in made):.1f} s: {films.folder}")
    if failed := len(films.requests) - len(made):
        raise MediaError(f"{failed} of {asked} could not be made; the notices say why")


def _stylize_images(request: Request, job: JobFlags) -> None:
    from videostyle.cli.progress import make_progress
    from videostyle.plan.batch import make_batch
    from videostyle.render.run import run_batch

    batch = make_batch(request)
    if job.dry_run:
        say(_dry_run_of_batch(batch))
        return
    made = list(run_batch(batch, make_progress(job.progress, quiet=job.quiet)))
    if not (job.quiet or job.progress == "json"):
        seconds = sum(summary.seconds for summary in made)
        say(f"{_counted(len(made), 'picture')} in {seconds:.1f} s: {batch.folder}")
    _check_all(batch, len(made))


def _dry_run_of_batch(batch: Batch) -> str:
    """What a batch would make."""
    outputs = [f"{plan.content.path} → {plan.output}" for plan in batch.plans]
    return "\n".join([*outputs, f"{_counted(len(outputs), 'picture')} in {batch.folder}, {batch.work:.0f} steps"])


def _check_all(batch: Batch, made: int) -> None:
    if failed := batch.asked - batch.finished - made:
        raise MediaError(f"{failed} of {_counted(batch.asked, 'picture')} could not be made; the notices say why")


def _closing_line(summary: Summary) -> str:
    width, height = summary.size
    size = f", {summary.output.stat().st_size / 1e6:.2f} MB" if summary.output.exists() else ""
    return (
        f"{_counted(summary.frames, 'frame')} in {summary.seconds:.1f} s ({summary.seconds_per_frame:.2f} s/frame), "
        f"{width}x{height}{size}: {summary.output}"
    )


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
