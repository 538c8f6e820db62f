"""The `videostyle` command: parse, run, print, exit."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import version as installed_version
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NoReturn

from cyclopts import App, CycloptsError, Parameter
from tqdm import tqdm

from videostyle import interrupt
from videostyle.cli.flags import JOB_GROUP, JobFlags, SettingFlags, fill_gaps, last_lists, settings_from
from videostyle.cli.signals import ignore_signals, install_signal_handlers, leave_now
from videostyle.cli.streams import SafeStream, configure_logging, flush, say, write_event
from videostyle.cli.stylize import USAGE, stylize
from videostyle.errors import InputError, VideostyleError
from videostyle.interrupt import Interrupted
from videostyle.settings import Flow, Settings

RESERVED = ("sheet", "studio", "weights")  # commands to come

_DEFAULTS = Settings()
_NO_JOB = JobFlags()
_NO_SETTINGS = SettingFlags()

app = App(
    name="videostyle",
    help=(
        "Restyle a video or a picture after one or several paintings.\n\n"
        "CONTENT is a video or picture, STYLE a picture, OUTPUT a file of CONTENT's kind. "
        "Numbered pictures, shot.%04d.png, count as a video, in and out.\n\n"
        "Many pictures or films: CONTENT and STYLE may be directories or quoted patterns, OUTPUT a directory: "
        "an existing one, or a name that ends in /."
    ),
    usage=f"Usage: {USAGE}",
    version_flags=[],
    config=fill_gaps,
    default_parameter=Parameter(negative=(), consume_multiple=True, allow_repeating=True),
    result_action="return_value",
)


@app.default
def _stylize(
    *paths: Annotated[str, Parameter(help="CONTENT, one STYLE or more, OUTPUT.", group=JOB_GROUP)],
    job: Annotated[JobFlags, Parameter(name="*")] = _NO_JOB,
    settings: Annotated[SettingFlags, Parameter(name="*")] = _NO_SETTINGS,  # type: ignore[valid-type]
) -> None:
    configure_logging(quiet=job.quiet, verbose=job.verbose, events=job.progress == "json")
    if job.version:
        say(_version(job.verbose))
        return
    stylize(paths, job, settings_from(settings))


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
    plot: Annotated[
        Path | None, Parameter(help="Draw every measure over time here: .png or .jpg; needs matplotlib.")
    ] = None,
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
    from videostyle.cli.parse import make_span
    from videostyle.measure.quality.evaluate import Request, evaluate
    from videostyle.measure.quality.report import table

    configure_logging(quiet=quiet, verbose=verbose)
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
    stream = SafeStream(sys.stderr)
    hidden = quiet or not stream.isatty()
    with tqdm(disable=hidden, file=stream, unit=" frames", leave=False, delay=0.5) as bar:
        found = evaluate(request, on_frame=lambda measures: bar.update())
    if not quiet:
        say(table(found))


@app.command(name="bench")
def _bench(
    *,
    device: Annotated[str, Parameter(help="auto, cpu, cuda or cuda:N.")] = _DEFAULTS.device,
    quick: Annotated[bool, Parameter(help="Little of it: less than a minute, on two CPU cores or a GPU.")] = False,
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

    configure_logging(quiet=quiet, verbose=verbose)
    asked = tuple(parse_size(size) for size in sizes)
    found = None
    request = Request(device=device, quick=quick, sizes=asked, json=json, overwrite=overwrite)
    for row, found in enumerate(bench(request)):
        if json is not None:  # after every row: what is cut off keeps what it measured
            write_json(json, found, replace=overwrite or row > 0)
    if found is not None and not quiet:
        say(table(found))


@app.command(name="train")
def _train(
    *paths: Annotated[Path, Parameter(help="CONTENT, and one STYLE or more.")],
    output: Annotated[Path, Parameter(name=("--output", "-o"), help="The look file to make: .safetensors.")],
    steps: Annotated[int, Parameter(help="Steps at most; it ends earlier when nothing is gained.")] = 1000,
    start: Annotated[Path | None, Parameter(help="A look file to begin with.")] = None,
    pictures: Annotated[
        Path | None,
        Parameter(help="Further pictures to learn from, for a look that serves other films."),
    ] = None,
    picture: Annotated[
        Path | None, Parameter(help="Draw a frame that is not learned from here now and then, beside its result.")
    ] = None,
    frames: Annotated[str | None, Parameter(help="A:B, the frames of CONTENT to learn from.")] = None,
    overwrite: Annotated[bool, Parameter(help="Replace files that exist.")] = False,
    quiet: Annotated[bool, Parameter(help="Say nothing but errors.")] = False,
    verbose: Annotated[bool, Parameter(help="Say more, and show where an error came from.")] = False,
    settings: Annotated[SettingFlags, Parameter(name="*")] = _NO_SETTINGS,  # type: ignore[valid-type]
) -> None:
    """Train a small network that paints CONTENT after STYLE, frame by frame, in one pass each.

    The file that it makes stands where a STYLE stands: videostyle CONTENT look.safetensors OUTPUT.
    """
    from videostyle.cli.train import train

    configure_logging(quiet=quiet, verbose=verbose)
    train(
        paths,
        output,
        settings_from(settings),
        steps=steps,
        start=start,
        pictures=pictures,
        picture=picture,
        frames=frames,
        overwrite=overwrite,
        quiet=quiet,
    )


@app.command(name="export")
def _export(
    look: Annotated[Path, Parameter(help="A look file.")],
    output: Annotated[Path, Parameter(help="The file to make: .onnx.")],
    /,
    *,
    overwrite: Annotated[bool, Parameter(help="Replace OUTPUT if it exists.")] = False,
    quiet: Annotated[bool, Parameter(help="Say nothing but errors.")] = False,
    verbose: Annotated[bool, Parameter(help="Say more, and show where an error came from.")] = False,
) -> None:
    """Write the network of a look file as ONNX, for other programs; docs/network.md says what it takes."""
    from videostyle.train import export_look

    configure_logging(quiet=quiet, verbose=verbose)
    export_look(look, output, overwrite=overwrite)
    if not quiet:
        say(str(output))


for _name in ("bench", "evaluate", "export", "train"):
    app[_name].config = ()  # no presets, no settings file


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Run the `videostyle` command. Exits 0; 2: bad input, 1: failure at work, 128 + N: signal N (130 is Ctrl-C)."""
    words = list(sys.argv[1:] if words is None else words)
    install_signal_handlers()
    try:
        _refuse_reserved(words)
        _refuse_pipes(words)
        app(last_lists(words), exit_on_error=False, print_error=False)
        ignore_signals()
    except (Exception, Interrupted, KeyboardInterrupt) as error:  # whatever breaks: one line
        ignore_signals()
        _leave(_report(error, words))
    _leave(0)


def _report(error: BaseException, words: Sequence[str]) -> int:
    """Say in one line what ended the work; return the exit status."""
    chain = list(_chain(error))
    notes = [note for each in chain for note in getattr(each, "__notes__", [])]
    signals = [each.number for each in chain if isinstance(each, Interrupted)]
    number = signals[0] if signals else interrupt.pending()  # whatever fails over a signal, the signal counts
    if number is not None:
        _say_error("; ".join(["stopped", *notes]), words, interrupted=True)
        return 128 + number
    if "--verbose" in words:
        SafeStream(sys.stderr).write("".join(traceback.format_exception(error)))
    message = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, (VideostyleError, CycloptsError)):
        message = f"{type(error).__name__}: {message}; --verbose shows where"
    _say_error("; ".join([message, *getattr(error, "__notes__", [])]), words)
    return error.exit_code if isinstance(error, VideostyleError) else 2 if isinstance(error, CycloptsError) else 1


def _say_error(message: str, words: Sequence[str], *, interrupted: bool = False) -> None:
    stream = SafeStream(sys.stderr)
    if _wants_events(words):
        write_event(stream, "error", message=message)
        return
    stream.write(f"{chr(10) if interrupted else ''}videostyle: {message}\n")
    stream.flush()


def _wants_events(words: Sequence[str]) -> bool:
    """Whether a program listens, as far as the words tell: they may be what was wrong."""
    return "--progress=json" in words or ("--progress", "json") in pairwise(words)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what was being dealt with when it came up, and so on."""
    while error is not None:
        yield error
        error = error.__context__


def _leave(code: int) -> NoReturn:
    """Exit, without cleanup if a worker thread is inside native code or an output stream is gone."""
    working = any(thread.name == "videostyle" for thread in threading.enumerate())
    flushed = flush(sys.stdout) and flush(sys.stderr)
    if working or not flushed:
        leave_now(code)
    sys.exit(code)


def _refuse_reserved(words: Sequence[str]) -> None:
    if words and words[0] in RESERVED:
        raise InputError(f"{words[0]!r} is kept for a command to come; a file of that name is given as ./{words[0]}")


def _refuse_pipes(words: Sequence[str]) -> None:
    if "-" in words:
        raise InputError("-: pipes and devices are not read; save it as a file first")


def _version(verbose: bool) -> str:
    own = f"videostyle {installed_version('videostyle')}"
    if not verbose:
        return own
    from videostyle.style.features import builtin

    packages = ("torch", "torchvision", "av", "opencv-python-headless", "numpy")
    lines = [f"built-in weights: rule {builtin.VERSION}", f"python {sys.version.split()[0]}"]
    return "\n".join([own, *lines, *(f"{name} {installed_version(name)}" for name in packages)])
