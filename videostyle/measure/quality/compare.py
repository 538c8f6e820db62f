"""Pairs of frames → numbers, one frame after another; never across a cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from videostyle.frames import Frame, Motion, Pixels
from videostyle.measure.quality import formulas
from videostyle.measure.quality.formulas import Appearance, Picture, ratio
from videostyle.motion.flow import Method, estimate


@dataclass(frozen=True, eq=False)
class Pair:
    """A frame of the content and the output's in the same place, both of the output's size.

    Args:
        content: From the source.
        output: From the result.
        fresh: A shot begins here.

    """

    content: Frame
    output: Frame
    fresh: bool


@dataclass(frozen=True, eq=False)
class Comparison:
    """A frame held against an earlier one of its shot, moved along the content's motion.

    Args:
        motion: The content's, this frame → the earlier one.
        content, output: From `formulas.difference`.

    """

    motion: Motion
    content: Picture
    output: Picture


@dataclass(frozen=True, eq=False)
class View:
    """A pair and what it was held against: the frame before and one further back; None at the start of a shot."""

    pair: Pair
    short: Comparison | None
    long: Comparison | None


@dataclass(frozen=True)
class FeatureLosses:
    """How near a frame is to the style and to its content, in features of VGG19.

    Args:
        style_loss: Of the output; 0 for the style itself.
        style_loss_content: Of the unstyled content, for comparison.
        content_loss: Of the output; 0 for the content itself.
        drawing_loss: The same at a finer scale, where small figures and edges are.

    """

    style_loss: float | None = None
    style_loss_content: float | None = None
    content_loss: float | None = None
    drawing_loss: float | None = None

    @property
    def style_left(self) -> float | None:
        """The style loss over that of doing nothing."""
        return ratio(self.style_loss, self.style_loss_content)


@dataclass(frozen=True, kw_only=True)
class Measures:
    """One frame in numbers; None where there is nothing to compare with. `docs/evaluate.md` has the formulas.

    Args:
        frame: Its place in the content.
        seconds: Its time there.
        shot: Which one it belongs to, from 0.
        warp_error, long_error: Against the frame before, and one further back; in [0, 1], as is the content's own.
        warp_ratio, long_ratio: The output's error over the content's.
        warp_trusted, long_trusted: Share of the picture that they are taken from.
        flicker: In levels, where nothing moves; `still` is the share of the picture that does not.
        drift, drift_red, drift_green, drift_blue: Of the mean color since the shot began, in levels.
        drift_followed: The same of the mean of what is seen from frame to frame, so that what enters or leaves the
            picture does not count.
        contrast_drift, palette_drift: In levels.
        sharpness: Energy of the finest detail over that of the shot's first frame.
        style_loss, style_loss_content, content_loss, drawing_loss: See `FeatureLosses`.
        style_melt, content_melt, drawing_melt: Of these losses, the style's over that of doing nothing, to the shot's
            first frame: above 1, the picture melts.
        detail: The sharpness over the content's own.

    """

    frame: int
    seconds: float
    shot: int
    warp_error: float | None
    warp_error_content: float | None
    warp_ratio: float | None
    warp_trusted: float | None
    long_error: float | None
    long_error_content: float | None
    long_ratio: float | None
    long_trusted: float | None
    flicker: float | None
    flicker_content: float | None
    still: float | None
    drift: float
    drift_red: float
    drift_green: float
    drift_blue: float
    drift_followed: float
    contrast_drift: float
    palette_drift: float
    sharpness: float | None
    sharpness_content: float | None
    style_loss: float | None
    style_loss_content: float | None
    content_loss: float | None
    drawing_loss: float | None
    style_melt: float | None
    content_melt: float | None
    drawing_melt: float | None
    detail: float | None


Judge = Callable[[Pixels, Pixels], FeatureLosses]  # content, output → closeness


def compare(
    pairs: Iterable[Pair], long: int, method: Method, judge: Judge = lambda content, output: FeatureLosses()
) -> Iterator[tuple[View, Measures]]:
    """Yield each pair with its comparisons and numbers; the last `long` pairs are kept, never more.

    Args:
        pairs: In order.
        long: How many frames back the second comparison reaches.
        method: Of the flow, found on the content.
        judge: Finds the losses, if they are wanted.

    """
    past: deque[Pair] = deque(maxlen=long)
    start, first, shot, followed = None, FeatureLosses(), -1, 0.0
    for pair in pairs:
        looks = _look(pair.content), _look(pair.output)
        losses = judge(pair.content.pixels, pair.output.pixels)
        if pair.fresh or start is None:
            past.clear()
            start, first, shot, followed = looks, losses, shot + 1, 0.0
        short = _against(past[-1], pair, method) if past else None
        far = _against(past[0], pair, method) if len(past) == long else None
        followed += _bias(short)
        measures = {
            **_in_time("warp", short),
            **_in_time("long", far),
            **_flicker(past[-1] if past else None, pair, short),
            **_since_the_start(looks, start),
            **asdict(losses),
            **_melted(losses, first),
        }
        seconds = float(pair.content.seconds)
        yield (
            View(pair, short, far),
            Measures(frame=pair.content.index, seconds=seconds, shot=shot, drift_followed=followed, **measures),
        )
        past.append(pair)


def _look(frame: Frame) -> Appearance:
    return formulas.appearance(formulas.picture(frame.pixels))


def _against(earlier: Pair, pair: Pair, method: Method) -> Comparison:
    motion = estimate(earlier.content.pixels, pair.content.pixels, method, "geometry")

    def apart(now: Frame, before: Frame) -> Picture:
        return formulas.difference(formulas.picture(now.pixels), formulas.picture(before.pixels), motion.flow)

    return Comparison(motion, apart(pair.content, earlier.content), apart(pair.output, earlier.output))


def _in_time(name: str, found: Comparison | None) -> dict[str, Any]:
    output = formulas.warp_error(found.output, found.motion.mask) if found else None
    content = formulas.warp_error(found.content, found.motion.mask) if found else None
    return {
        f"{name}_error": output,
        f"{name}_error_content": content,
        f"{name}_ratio": ratio(output, content),
        f"{name}_trusted": float(found.motion.mask.mean()) if found else None,
    }


def _bias(found: Comparison | None) -> float:
    """How much brighter the output became since the frame before, more than the content did; in levels."""
    if found is None:
        return 0.0
    output, content = (formulas.bias(each, found.motion.mask) for each in (found.output, found.content))
    return output - content if output is not None and content is not None else 0.0


def _flicker(earlier: Pair | None, pair: Pair, found: Comparison | None) -> dict[str, Any]:
    if found is None or earlier is None:
        return {"flicker": None, "flicker_content": None, "still": None}
    still = formulas.standing(found.motion)

    def difference(now: Frame, before: Frame) -> float | None:
        return formulas.flicker(formulas.picture(now.pixels), formulas.picture(before.pixels), still)

    return {
        "flicker": difference(pair.output, earlier.output),
        "flicker_content": difference(pair.content, earlier.content),
        "still": float(still.mean()),
    }


def _melted(losses: FeatureLosses, first: FeatureLosses) -> dict[str, Any]:
    return {
        "style_melt": ratio(losses.style_left, first.style_left),
        "content_melt": ratio(losses.content_loss, first.content_loss),
        "drawing_melt": ratio(losses.drawing_loss, first.drawing_loss),
    }


def _since_the_start(looks: tuple[Appearance, Appearance], start: tuple[Appearance, Appearance]) -> dict[str, Any]:
    drift = formulas.drift(*looks, *start)
    (content, output), (content_start, output_start) = looks, start
    sharpness, floor = ratio(output.energy, output_start.energy), ratio(content.energy, content_start.energy)
    return {
        "drift": float(drift.color.mean()),
        "drift_red": float(drift.color[0]),
        "drift_green": float(drift.color[1]),
        "drift_blue": float(drift.color[2]),
        "contrast_drift": drift.contrast,
        "palette_drift": drift.palette,
        "sharpness": sharpness,
        "sharpness_content": floor,
        "detail": ratio(sharpness, floor),
    }
