"""Two videos → how steady, how true and how sharp the second is, against the first."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from videostyle import interrupt
from videostyle.errors import OutputError, SettingError
from videostyle.frames import Frame, Span
from videostyle.measure.quality.compare import FeatureLosses, Judge, Measures, Pair, View, compare
from videostyle.measure.quality.heatmap import HeatmapFile
from videostyle.measure.quality.report import JsonFile
from videostyle.measure.quality.summary import Evaluation, Statistic, add
from videostyle.media import muxer
from videostyle.media.clip import Clip
from videostyle.media.files import resolve_link
from videostyle.media.image import still
from videostyle.media.probe import probe
from videostyle.media.reader import read_frames
from videostyle.media.video.codecs import choose
from videostyle.motion.flow import METHODS
from videostyle.motion.shots import find_shots
from videostyle.plan.paths import check_apart, check_new
from videostyle.settings import Settings

log = logging.getLogger(__name__)

LONG = 10  # frames back
LONGEST_RANGE = 100  # frames back that are kept in memory
SAME_SHAPE = 0.02  # relative difference of width over height that rounding explains

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be measured.

    Args:
        content: The source.
        output: The result, of any size and by any program; its frames are paired with the source's by order.
        styles: Pictures; none for no losses.
        span: The frames of the source that the output was made of.
        long: How many frames back the long range reaches, from 2.
        flow: A name in `motion.flow.METHODS`.
        weights: auto, imagenet, builtin, or a file, for the losses.
        device: For the losses.
        json, plot, heatmap: Files to write.
        overwrite: They may be replaced.

    """

    content: Path
    output: Path
    styles: tuple[Path, ...] = ()
    span: Span = Span()
    long: int = LONG
    flow: str = Settings().flow
    weights: str = Settings().weights
    device: str = Settings().device
    json: Path | None = None
    plot: Path | None = None
    heatmap: Path | None = None
    overwrite: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.json, self.plot, self.heatmap) if path is not None)


class Sink(Protocol):
    """Where measures go, frame by frame; complete after `close`."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...
    def write(self, view: View, measures: Measures) -> None: ...
    def close(self, evaluation: Evaluation) -> None: ...


class Counted(Generic[T]):
    """An iterator that knows how much it gave."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items, self.count = iter(items), 0

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        interrupt.check()
        item = next(self._items)
        self.count += 1
        return item


def evaluate(request: Request, on_frame: Callable[[Measures], object] = lambda measures: None) -> Evaluation:
    """Measure one video against another, in one pass; of both, only a few frames are in memory at a time.

    Args:
        request: What.
        on_frame: Called after every frame.

    Raises:
        InputError: The request cannot be met as asked.
        VideostyleError: The work broke off; no file was left incomplete.

    """
    content, output = _checked(request)
    size = output.width, output.height
    judge, weights = _judge(request, max(size))
    contents = Counted(find_shots(read_frames(content, size, content.resolved(request.span))))
    outputs = Counted(read_frames(output, size, Span()))
    statistics: dict[str, Statistic] = {}
    frames = shots = 0
    with ExitStack() as stack:
        sinks = [stack.enter_context(sink) for sink in _sinks(request, output)]
        for view, measures in compare(_pairs(contents, outputs), request.long, METHODS[request.flow], judge):
            statistics = add(statistics, measures)
            frames, shots = frames + 1, measures.shot + 1
            for sink in sinks:
                sink.write(view, measures)
            on_frame(measures)
        _count_the_rest(contents, outputs)
        found = Evaluation(
            content=request.content,
            output=request.output,
            size=size,
            frames=frames,
            content_frames=contents.count,
            output_frames=outputs.count,
            shots=shots,
            long=request.long,
            flow=request.flow,
            weights=weights,
            statistics=statistics,
        )
        for sink in sinks:
            sink.close(found)
    return found


def _pairs(contents: Iterable[tuple[Frame, bool]], outputs: Iterable[Frame]) -> Iterator[Pair]:
    for (content, fresh), output in zip(contents, outputs, strict=False):
        yield Pair(content, output, fresh)


def _count_the_rest(contents: Counted[tuple[Frame, bool]], outputs: Counted[Frame]) -> None:
    for items in (contents, outputs):
        deque(items, maxlen=0)
    if contents.count != outputs.count:
        log.warning(
            "CONTENT has %d frames and OUTPUT %d: only the first %d were measured, in pairs by order; if OUTPUT was "
            "made of a part of CONTENT, say which with --frames, --start and --end",
            contents.count,
            outputs.count,
            min(contents.count, outputs.count),
        )


def _judge(request: Request, longest: int) -> tuple[Judge, str | None]:
    """What finds the losses, and with which weights: torch loads here, and only if there is a style."""
    if not request.styles:
        return (lambda content, output: FeatureLosses()), None
    from videostyle.measure.quality.feature_losses import feature_judge

    styles = [still.read_style(style) for style in request.styles]
    judge = feature_judge(styles, request.weights, request.device, longest)
    return judge, judge.identity


def _sinks(request: Request, output: Clip) -> Iterator[Sink]:
    if request.json is not None:
        yield JsonFile(request.json, replace=request.overwrite)
    if request.plot is not None:
        from videostyle.measure.quality.plot import PlotFile

        yield PlotFile(request.plot, replace=request.overwrite)
    if request.heatmap is not None:
        yield HeatmapFile(request.heatmap, output, replace=request.overwrite)


def _checked(request: Request) -> tuple[Clip, Clip]:
    """The two clips, if all that can be checked beforehand is well."""
    if not 2 <= request.long <= LONGEST_RANGE:
        raise SettingError("long", request.long, f"a number of frames from 2 to {LONGEST_RANGE}")
    for style in request.styles:
        still.style_size(style)
    content, output = probe(request.content), probe(request.output)
    _check_files(request)
    if request.plot is not None:
        from videostyle.measure.quality.plot import check_plot  # matplotlib is optional, and loads here

        check_plot(request.plot)
    if request.heatmap is not None:
        encoding = choose(request.heatmap, output.colors.for_video(), "h264")
        muxer.check_output(request.heatmap, output, (output.width, output.height), encoding, [])
    if abs(content.width * output.height / (content.height * output.width) - 1) > SAME_SHAPE:
        log.warning(
            "OUTPUT is %dx%d, which is not the shape of CONTENT's %dx%d; CONTENT is stretched to it",
            output.width,
            output.height,
            content.width,
            content.height,
        )
    return content, output


def _check_files(request: Request) -> None:
    check_apart(request.files, [request.content, request.output, *request.styles])
    for path in request.files:
        check_new(path, overwrite=request.overwrite)
        if sum(resolve_link(path) == resolve_link(other) for other in request.files) > 1:
            raise OutputError(path, "it is named twice")
