"""Videostyle in Python: files in and out, or frames in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from videostyle.errors import InputError, SettingError
from videostyle.frames import Frame, Pixels, Span
from videostyle.media.image import still
from videostyle.plan.options import check_engine
from videostyle.plan.planner import make_plan
from videostyle.plan.request import Request, as_paths
from videostyle.render.engine import StyleInputs, load_engines
from videostyle.render.progress import FrameReport, Progress, Summary
from videostyle.render.run import run
from videostyle.settings import INITS, Gaps, Settings

OnFrame = Callable[[FrameReport], object]
Styles = Path | str | Pixels | Sequence["Path | str | Pixels"]


class _Frames(Progress):
    """Calls a function after every frame."""

    def __init__(self, on_frame: OnFrame) -> None:
        self._call = on_frame

    def on_frame(self, report: FrameReport) -> None:
        self._call(report)


def stylize_video(
    content: Path | str,
    style: Path | str | Sequence[Path | str],
    output: Path | str,
    settings: Settings | None = None,
    *,
    span: Span | None = None,
    fps: Fraction | int | None = None,
    overwrite: bool = False,
    side_by_side: bool = False,
    resume: bool = False,
    into: bool = False,
    crossfade: int = 0,
    gaps: Gaps = "refuse",
    sound: Path | str | None = None,
    first_number: int | None = None,
    on_frame: OnFrame = lambda report: None,
) -> Summary:
    """Restyle a video file into another, with its audio; or numbered images, or into such.

    Args:
        content: The video, or numbered images: `shot.%04d.png`.
        style: One image, or several that count as one style.
        output: Where the result goes: .mp4, .mov, .mkv or .webm, which appears when it is complete; or `out.%04d.png`.
        settings: How; the standard ones by default.
        span: Which frames; all of them by default.
        fps: Numbered images per second; 24 by default.
        overwrite: Replace an output that exists.
        side_by_side: Put the content to the left of the result.
        resume: Go on with a job that was stopped; the result is the same as if it had not been.
        into: Render only the frames of `span` again, in an output that is finished; the rest of it stays as it is.
        crossfade: Frames over which these go over from the finished look into theirs, and back.
        gaps: Missing numbers among numbered images are refused, hold the image before, or are skipped.
        sound: A file whose sound is laid beside numbered images that become a video, and ends with them.
        first_number: Of the image that the content's first frame becomes; its own by default.
        on_frame: Called after every frame.

    Raises:
        InputError: The request cannot be met as asked; nothing was written.
        VideostyleError: The work broke off; what is finished is kept beside the output for `resume`.

    """
    request = Request(
        content=Path(content),
        styles=as_paths(style),
        output=Path(output),
        settings=settings or Settings(),
        span=span or Span(),
        overwrite=overwrite,
        side_by_side=side_by_side,
        fps=None if fps is None else Fraction(fps),
        resume=resume,
        into=into,
        crossfade=crossfade,
        gaps=gaps,
        sound=None if sound is None else Path(sound),
        first_number=first_number,
    )
    return run(make_plan(request), _Frames(on_frame))


def stylize_image(
    content: Path | str,
    style: Path | str | Sequence[Path | str],
    output: Path | str,
    settings: Settings | None = None,
    *,
    overwrite: bool = False,
) -> Summary:
    """Restyle an image file into a PNG, TIFF or JPEG; the arguments and errors are those of `stylize_video`."""
    return stylize_video(content, style, output, settings, overwrite=overwrite)


def stylize_frames(
    frames: Iterable[Pixels | Frame], styles: Styles, settings: Settings | None = None
) -> Iterator[Pixels]:
    """Restyle frames as they come: the engine of `stylize_video` without files.

    Runs a few frames behind its input, which it needs to tell cuts. Frames are taken at their own size; settings of
    files (`codec` …) and `bars` do not apply.

    Args:
        frames: (H, W, 3) RGB arrays of uint8 or uint16, or `Frame`, all of one size, in order.
        styles: One image or several that count as one style: paths or (H, W, 3) arrays.
        settings: How; the standard ones by default.

    Yields:
        (H, W, 3) arrays of the frames' dtype, one for each frame.

    Raises:
        InputError: A frame is no RGB image or has another size, a setting needs files or several passes, or there is
            no such device.

    """
    from videostyle.motion.follow import follow_motion, forget_motion
    from videostyle.style.stylizer import Stylizer

    settings = settings or Settings()
    _check_frame_settings(settings)
    (engine, *_) = load_engines(settings)
    images = [_image(style) for style in _as_list(styles)]
    inputs = StyleInputs(images, (), None)
    stylizer = Stylizer(settings, engine.network, inputs.styles, engine.device)
    checked = _of_one_size(frames)
    alone = settings.independent
    tracked = forget_motion(checked) if alone else follow_motion(checked, settings.flow, settings.flow_mask)
    for stylized in stylizer.stylize(tracked):
        yield stylized.frame.pixels


def _check_frame_settings(settings: Settings) -> None:
    """See that the settings need no files, no later frames and no frames again."""
    check_engine(settings)
    if settings.init not in INITS:
        raise SettingError("init", settings.init, f"one of {', '.join(INITS)} where there are no files")
    if settings.passes > 1:
        raise SettingError("passes", settings.passes, "1 where frames come as a stream")
    for name in ("content_masks", "style_masks"):
        if getattr(settings, name):
            raise SettingError(name, getattr(settings, name), "empty where there are no files")


def _as_list(styles: Styles) -> list[Path | str | Pixels]:
    return [styles] if isinstance(styles, (str, Path, np.ndarray)) else list(styles)


def _image(style: Path | str | Pixels) -> Pixels:
    return still.read_style(Path(style)) if isinstance(style, (str, Path)) else style


def _of_one_size(frames: Iterable[Pixels | Frame]) -> Iterator[Frame]:
    """Arrays as frames of a clip, checked."""
    shape: tuple[int, ...] | None = None
    for index, frame in enumerate(frames):
        pixels = frame.pixels if isinstance(frame, Frame) else frame
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.uint16):
            raise InputError(f"frame {index} is {pixels.shape} {pixels.dtype}; give (H, W, 3) uint8 or uint16 RGB")
        if pixels.shape != (shape := shape or pixels.shape):
            raise InputError(f"frame {index} is {pixels.shape} and the first one {shape}; give frames of one size")
        yield frame if isinstance(frame, Frame) else Frame(pixels, index, Fraction(1, 24), 1, index)
