"""Words in, words out: the only place that prints and exits."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import fields
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from cyclopts import App, CycloptsError, Group, Parameter
from cyclopts.argument import ArgumentCollection
from cyclopts.config import Dict
from tqdm import tqdm

from videostyle.errors import InputError, MediaError, VideostyleError, as_input_errors
from videostyle.progress import Bar, speak
from videostyle.settings import PRESETS, Flow, Settings, preset, read_made, read_toml
from videostyle.signals import Stopped, heed_no_more, heed_signals, patience

if TYPE_CHECKING:  # the rooms that do the work load when there is some
    from videostyle.render.batch import Batch
    from videostyle.render.pipeline import Summary

USAGE = "videostyle CONTENT STYLE [STYLE ...] OUTPUT [OPTIONS]"
RESERVED = ("sheet", "studio", "weights")  # commands to come

log = logging.getLogger("videostyle")

_JOB = Group("Job", sort_key=1)
_SETTINGS = Group("Settings", sort_key=2)
_DEFAULTS = Settings()


def _layers(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """What the flags leave open comes from --config, then from the preset: cyclopts fills only the gaps."""
    values: dict[str, Any] = {}
    if path := _given(arguments, "--config") or _finished(arguments):
        values = _read_config(Path(path))
        Dict(_dashed(values), source=path)(app, commands, arguments)
    name = _given(arguments, "--preset") or "standard"
    chosen = preset(name)
    Dict(_dashed({f.name: getattr(chosen, f.name) for f in fields(Settings)}), source=f"preset {name}")(
        app, commands, arguments
    )


def _read_config(path: Path) -> dict[str, Any]:
    """Settings from a TOML file, or from a result that says how it was made."""
    from videostyle.media import sequence
    from videostyle.media.provenance import has_comment, read_comment

    if sequence.is_sequence(path) and (pictures := sequence.files(path)):
        path = pictures[0]
    return read_made(read_comment(path), path) if has_comment(path) else read_toml(path)


def _given(arguments: ArgumentCollection, name: str) -> str | None:
    tokens = arguments[name].tokens
    return tokens[0].value if tokens else None


def _finished(arguments: ArgumentCollection) -> str | None:
    """OUTPUT, where a range of it is to be made anew."""
    if not arguments["--into"].tokens or not (paths := arguments["PATHS"].tokens):
        return None
    return paths[-1].value


def _dashed(values: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in values.items() if value is not None}


app = App(
    name="videostyle",
    help=(
        "Restyle a video or a picture after one or several paintings.\n\n"
        "CONTENT is a video or picture, STYLE a picture, OUTPUT a file of CONTENT's kind. "
        "Numbered pictures, shot.%04d.png, count as a video, in and out.\n\n"
        "Many pictures: CONTENT and STYLE may be directories or quoted patterns, OUTPUT a directory: "
        "an existing one, or a name that ends in /."
    ),
    usage=f"Usage: {USAGE}",
    version_flags=[],
    config=_layers,
    default_parameter=Parameter(negative=(), consume_multiple=True),
    result_action="return_value",
)


@app.default
def _command(
    *paths: Annotated[str, Parameter(help="CONTENT, one STYLE or more, OUTPUT.", group=_JOB)],
    frames: Annotated[str | None, Parameter(help="A:B, the frames from A up to but not B, from 0.", group=_JOB)] = None,
    start: Annotated[str | None, Parameter(help="Begin here: seconds or HH:MM:SS.mmm.", group=_JOB)] = None,
    end: Annotated[str | None, Parameter(help="End before here: seconds or HH:MM:SS.mmm.", group=_JOB)] = None,
    fps: Annotated[
        str | None, Parameter(help="Numbered pictures per second: 24 unless told, or as 24000/1001.", group=_JOB)
    ] = None,
    preview: Annotated[
        bool, Parameter(help="A fast draft of the same look: quarter the pixels, fewer steps.", group=_JOB)
    ] = False,
    preset: Annotated[str, Parameter(help=f"Settings to start from: {', '.join(PRESETS)}.", group=_JOB)] = "standard",
    config: Annotated[
        Path | None, Parameter(help="TOML file of settings, or a result to repeat; flags win over it.", group=_JOB)
    ] = None,
    attention_map: Annotated[
        Path | None, Parameter(help="Write what stands out in the first frame as a picture.", group=_JOB)
    ] = None,
    side_by_side: Annotated[bool, Parameter(help="Put the content to the left of the result.", group=_JOB)] = False,
    overwrite: Annotated[bool, Parameter(help="Replace OUTPUT if it exists.", group=_JOB)] = False,
    resume: Annotated[bool, Parameter(help="Go on with a job that was stopped.", group=_JOB)] = False,
    into: Annotated[
        bool, Parameter(help="Make only these frames anew, in an OUTPUT that is finished; as it was made.", group=_JOB)
    ] = False,
    quiet: Annotated[bool, Parameter(help="Say nothing but errors.", group=_JOB)] = False,
    verbose: Annotated[bool, Parameter(help="Say more, and show where an error came from.", group=_JOB)] = False,
    version: Annotated[bool, Parameter(help="Show the version; with --verbose, of everything.", group=_JOB)] = False,
    settings: Annotated[Settings, Parameter(name="*", group=_SETTINGS)] = Settings(),  # noqa: B008
) -> None:
    speak(quiet=quiet, verbose=verbose)
    if version:
        print(_version(verbose))
        return
    if len(paths) < 3:
        raise InputError(f"CONTENT, STYLE and OUTPUT are needed: {USAGE}; --help tells more")
    from videostyle.render.batch import make_batch
    from videostyle.render.pipeline import run
    from videostyle.render.plan import Request, make_plan
    from videostyle.render.words import make_span, parse_rate

    span = make_span(frames, start, end)
    content, *styles, output = map(Path, paths)
    with as_input_errors():
        folder = paths[-1].endswith("/") or output.is_dir()
    rate = parse_rate(fps) if fps is not None else None
    request = Request(
        content,
        tuple(styles),
        output,
        settings,
        span,
        preview,
        overwrite,
        folder,
        rate,
        attention_map,
        side_by_side=side_by_side,
        resume=resume,
        into=into,
    )
    if folder:
        _make_pictures(make_batch(request), quiet=quiet)
        return
    plan = make_plan(request)
    if not (plan.untouched or plan.finished):
        with patience():
            import torch  # noqa: F401
    with Bar(plan, hidden=quiet or plan.finished) as bar:
        summary = run(plan, on_frame=bar.on_frame, on_work=bar.on_work, on_resume=bar.on_resume)
    if not (quiet or plan.finished):
        print(_closing_line(summary))


def _make_pictures(batch: Batch, *, quiet: bool) -> None:
    from videostyle.render.pipeline import run_batch

    with Bar(batch, hidden=quiet) as bar:
        made = list(run_batch(batch, on_frame=bar.on_frame, on_work=bar.on_work))
    if not quiet:
        seconds = sum(summary.seconds for summary in made)
        print(f"{_counted(len(made), 'picture')} in {seconds:.1f} s: {batch.folder}")
    if failed := batch.asked - batch.finished - len(made):
        raise MediaError(f"{failed} of {_counted(batch.asked, 'picture')} could not be made; the notices say why")


@app.command(name="evaluate")
def _evaluate(
    content: Annotated[Path, Parameter(help="The source.")],
    output: Annotated[Path, Parameter(help="The result, of any size and by any program.")],
    /,
    *,
    style: Annotated[
        tuple[Path, ...],
        Parameter(help="Pictures: style and content loss are measured too.", show_default=False),
    ] = (),
    frames: Annotated[str | None, Parameter(help="A:B, the frames of CONTENT that OUTPUT was made of.")] = None,
    start: Annotated[str | None, Parameter(help="The same by time: from here.")] = None,
    end: Annotated[str | None, Parameter(help="And to before here.")] = None,
    long: Annotated[int, Parameter(help="How many frames back the long range reaches.")] = 10,
    flow: Annotated[Flow, Parameter(help="Optical flow, found on CONTENT.")] = _DEFAULTS.flow,
    weights: Annotated[
        str, Parameter(help="VGG19 weights for the losses: auto, imagenet, builtin, or a .pth or .safetensors file.")
    ] = _DEFAULTS.weights,
    device: Annotated[str, Parameter(help="For the losses: auto, cpu, cuda or cuda:N.")] = _DEFAULTS.device,
    json: Annotated[Path | None, Parameter(help="Write every frame, the summary and the versions here.")] = None,
    plot: Annotated[Path | None, Parameter(help="Draw every measure over time here: .png or .jpg.")] = None,
    heatmap: Annotated[
        Path | None, Parameter(help="Film where it flickers here: red to yellow; blue where nothing can be told.")
    ] = None,
    overwrite: Annotated[bool, Parameter(help="Replace these files if they exist.")] = False,
    quiet: Annotated[bool, Parameter(help="Say nothing but errors.")] = False,
    verbose: Annotated[bool, Parameter(help="Say more, and show where an error came from.")] = False,
) -> None:
    """Measure how steady, true and sharp OUTPUT is: warp error, flicker, drift, sharpness, losses.

    docs/evaluate.md has the formulas.
    """
    from videostyle.measure.quality.evaluate import Request, evaluate
    from videostyle.measure.quality.report import table
    from videostyle.render.words import make_span

    speak(quiet=quiet, verbose=verbose)
    request = Request(
        content=content,
        output=output,
        styles=style,
        span=make_span(frames, start, end),
        long=long,
        flow=flow,
        weights=weights,
        device=device,
        json=json,
        plot=plot,
        heatmap=heatmap,
        overwrite=overwrite,
    )
    with tqdm(disable=quiet, unit=" frames", leave=False, delay=0.5) as bar:
        found = evaluate(request, on_frame=lambda measures: bar.update())
    if not quiet:
        print(table(found))


@app.command(name="bench")
def _bench(
    *,
    device: Annotated[str, Parameter(help="auto, cpu, cuda or cuda:N.")] = _DEFAULTS.device,
    quick: Annotated[bool, Parameter(help="Little of it: less than a minute on two CPU cores.")] = False,
    sizes: Annotated[
        tuple[str, ...],
        Parameter(
            help="Of frames, as 640x360. Default: 256x144 to 1920x1080, as far as the device carries.",
            show_default=False,
        ),
    ] = (),
    json: Annotated[Path | None, Parameter(help="Write all numbers, the machine and the versions here.")] = None,
    overwrite: Annotated[bool, Parameter(help="Replace that file if it exists.")] = False,
    quiet: Annotated[bool, Parameter(help="Say nothing but errors.")] = False,
    verbose: Annotated[bool, Parameter(help="Say more, and show where an error came from.")] = False,
) -> None:
    """Measure how fast videostyle is on this machine, beside what the machine can do at its best.

    benchmarks/README.md says what the numbers are.
    """
    from videostyle.measure.speed.bench import Request, bench, parse_size
    from videostyle.measure.speed.report import table, write_json

    speak(quiet=quiet, verbose=verbose)
    asked = tuple(parse_size(size) for size in sizes)
    found = bench(Request(device=device, quick=quick, sizes=asked, json=json, overwrite=overwrite))
    if json is not None:
        write_json(json, found)
    if not quiet:
        print(table(found))


for _name in ("bench", "evaluate"):
    app[_name].config = ()  # no presets, no settings file


def main(words: Sequence[str] | None = None) -> NoReturn:
    """The `videostyle` command. Exits 0; 2: bad input, 1: failure at work, 130: Ctrl-C, 143: SIGTERM."""
    words = list(sys.argv[1:] if words is None else words)
    heed_signals()
    try:
        _refuse_reserved(words)
        app(words, exit_on_error=False, print_error=False)
        heed_no_more()
    except (Exception, Stopped) as error:  # whatever breaks: one line
        heed_no_more()
        _end(error, words)
    sys.exit(0)


def _end(error: BaseException, words: Sequence[str]) -> NoReturn:
    """Say in one line what ended the work, and exit; the signal, if that is what something failed over."""
    behind = list(_behind(error))
    for stopped in behind:
        if isinstance(stopped, Stopped):
            notes = [note for each in behind for note in _notes(each)]
            print("\nvideostyle:", "; ".join(["stopped", *notes]), file=sys.stderr)
            _leave(128 + stopped.number)
    _fail(error, words)


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what was being dealt with when it came up, and so on."""
    while error is not None:
        yield error
        error = error.__context__


def _fail(error: BaseException, words: Sequence[str]) -> NoReturn:
    if "--verbose" in words:
        traceback.print_exception(error)
    message = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, (VideostyleError, CycloptsError)):
        message = f"{type(error).__name__}: {message}; --verbose shows where"
    print("videostyle:", "; ".join([message, *_notes(error)]), file=sys.stderr)
    _leave(error.exit_code if isinstance(error, VideostyleError) else 2 if isinstance(error, CycloptsError) else 1)


def _leave(code: int) -> NoReturn:
    """Exit; at once where a thread is in a library's long call, which would find the interpreter gone."""
    if any(thread.name == "videostyle" for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _notes(error: BaseException) -> list[str]:
    """What was said of the work that is kept."""
    return getattr(error, "__notes__", [])


def _refuse_reserved(words: Sequence[str]) -> None:
    if words and words[0] in RESERVED:
        raise InputError(f"{words[0]!r} is kept for a command to come; a file of that name is given as ./{words[0]}")


def _closing_line(summary: Summary) -> str:
    width, height = summary.size
    size = f", {summary.output.stat().st_size / 1e6:.2f} MB" if summary.output.exists() else ""
    return (
        f"{_counted(summary.frames, 'frame')} in {summary.seconds:.1f} s ({summary.seconds_per_frame:.2f} s/frame), "
        f"{width}x{height}{size}: {summary.output}"
    )


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _version(verbose: bool) -> str:
    own = f"videostyle {installed_version('videostyle')}"
    if not verbose:
        return own
    from videostyle.style.features import builtin

    packages = ("torch", "torchvision", "av", "opencv-python-headless", "numpy")
    lines = [f"built-in weights: rule {builtin.VERSION}", f"python {sys.version.split()[0]}"]
    return "\n".join([own, *lines, *(f"{name} {installed_version(name)}" for name in packages)])
