"""Two frames → how the picture moved: optical flow both ways, and where it can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Motion, Pixels, Plane
from videostyle.motion.fade import match_exposure

Gray = NDArray[np.uint8]
Places = NDArray[np.bool_]
Method = Callable[[Gray, Gray], Plane]
Mask = Callable[[Plane, Plane, Pixels, Pixels], Plane]

NARROWEST = 32  # pixels of a side that flow is computed on
SLIMMEST = 4  # one side over the other, at most
SMALLEST = 8  # shortest side that flow is computed at; less than that stands still
LARGEST = 1024  # longest side that flow is computed at; beyond it the flow is enlarged
CLEARLY_BETTER = 0.8  # a neighbour's flow is taken if its mismatch is below this share of a pixel's own
REACHES = (4, 8)  # pixels away that neighbours are asked
ALIKE = 0.5  # pixels: flows that differ by less count as one
_WIDTH = 9  # pixels of that neighbourhood
_ROW = 1024
DOUBTFUL = (2.5, 7.0)  # levels of color difference at which trust begins to go, and is gone
USUAL = 8.0  # levels of color difference that noise makes at most
EXCUSED = 0.25  # of the local contrast: what half a pixel of flow error makes of it
REACHED = (0.6, 0.8)  # of a pixel's usual share of the frame before, at which trust begins, and is whole
PLAIN = (3.0, 6.0)  # levels of contrast around a place: below the first, flow has nothing to hold on to
ANCHORED = 0.25  # share of a picture that must be trusted: two scenes have plain places that look alike
AROUND = 96  # longest side in pixels at which the motion around plain places is found
REACH_SHARES = ((2.0, 1.0), (8.0, 1e-2), (32.0, 1e-4))  # deviations in these pixels, and how much each counts
_BORDER = 0.5  # pixels beyond the frame at which trust has ended; within, a slow pan would drag the border along


def _of_usual_shape(here: Gray, there: Gray, method: Method) -> Plane:
    """The flow of pictures continued at their edges: DIS reads beyond its rows on slivers; small ones give NaN."""
    h, w = here.shape
    wide, high = max(w, NARROWEST, -(-h // SLIMMEST)), max(h, NARROWEST, -(-w // SLIMMEST))
    padded = (cv2.copyMakeBorder(gray, 0, high - h, 0, wide - w, cv2.BORDER_REPLICATE) for gray in (here, there))
    found = method(*(np.asarray(gray, np.uint8) for gray in padded))[:h, :w]
    return np.ascontiguousarray(found)


def _dis(preset: int) -> Method:
    """Dense inverse search (Kroeger et al. 2016, arXiv:1603.03590)."""

    def flow(here: Gray, there: Gray) -> Plane:
        found: Plane = cv2.DISOpticalFlow.create(preset).calc(here, there, None)
        return found

    return flow


def _dis_fine(here: Gray, there: Gray) -> Plane:
    """DIS medium carried down to full resolution, with a smoother and longer refinement.

    End-point error against truth, with OpenCV's own refinement in brackets: Sintel cave_2 where visible 0.81 px (0.87),
    a slow zoom 0.042 px (0.052).
    """
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)
    dis.setVariationalRefinementIterations(10)
    dis.setVariationalRefinementAlpha(40.0)
    found: Plane = dis.calc(here, there, None)
    return found


def _farneback(here: Gray, there: Gray) -> Plane:
    """Polynomial expansion (Farnebäck 2003)."""
    found: Plane = cv2.calcOpticalFlowFarneback(here, there, None, 0.5, 5, 15, 3, 7, 1.5, 0)
    return found


def _none(here: Gray, there: Gray) -> Plane:
    """Nothing moves: the previous frame as it is, for comparison."""
    return np.zeros((*here.shape, 2), np.float32)


METHODS: dict[str, Method] = {
    "dis-ultrafast": _dis(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST),
    "dis-fast": _dis(cv2.DISOPTICAL_FLOW_PRESET_FAST),
    "dis-medium": _dis(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
    "dis-fine": _dis_fine,
    "farneback": _farneback,
    "none": _none,
}


def estimate(previous: Pixels, current: Pixels, method: Method, mask: str = "evidence") -> Motion:
    """How `current` came from `previous`; both (H, W, 3) RGB of one size.

    The flow is the backward one, `current` → `previous`; the forward one serves to check it. `mask` is a name in
    `MASKS`. Both are brought into one light first.
    """
    h, w = current.shape[:2]
    before, now = match_exposure(_bounded(previous), _bounded(current))
    method = partial(_of_usual_shape, method=method if min(now.shape[:2]) >= SMALLEST else _none)
    backward, forward = _between(now, before, method), _between(before, now, method)
    trusted = MASKS[mask](backward, forward, now, before)
    if mask == "evidence":
        backward, trusted = settle_plain_places(backward, trusted, now, before)
    return Motion(_enlarged(backward, w, h), cv2.resize(trusted, (w, h), interpolation=cv2.INTER_LINEAR))


def compose_flows(near: Motion, far: Motion) -> Motion:
    """One motion after another: `near` from this frame to a second, `far` from there to a third.

    The flow is w(p) = n(p) + f(p + n(p)), to be trusted where both are.
    """
    x, y = _ends(near.flow)
    flow, mask = (
        cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for plane in (far.flow, far.mask)
    )
    return Motion(near.flow + flow, near.mask * mask)


def _between(here: Pixels, there: Pixels, method: Method) -> Plane:
    return refine_boundaries(method(_gray(here), _gray(there)), here, there)


def refine_boundaries(flow: Plane, here: Pixels, there: Pixels) -> Plane:
    """Move motion boundaries to where the picture has them.

    A flow that is smooth by construction carries a moving thing's motion some pixels beyond its outline. Each
    pixel may take the flow found 4 or 8 pixels away instead of its own, if that explains the picture much better
    (see `_mismatch`); nothing changes where the neighbours move alike.

    End-point error with and without: Sintel cave_2 where visible 0.77 px (0.82), a band of 10 px around a moving
    disc 0.59 px (1.97), RubberWhale 0.116 px (0.117), a slow zoom the same.

    Args:
        flow: (H, W, 2), pixels, from `here` to `there`.
        here: (H, W, 3) uint8.
        there: Same shape.

    """
    offers = list(_offers(flow))
    if not offers:
        return flow.copy()
    found, asked = flow.copy(), np.logical_or.reduce([differs for _, differs in offers])
    least = CLEARLY_BETTER * _mismatch(flow, here, there, asked)
    for offered, differs in offers:
        mismatch = _mismatch(offered, here, there, differs)
        taken = differs & (mismatch < least)
        least[taken] = mismatch[taken]
        found[taken] = offered[taken]
    return found


def _offers(flow: Plane) -> Iterator[tuple[Plane, Places]]:
    """The flow that each pixel's neighbours have, and where it is another than its own; none that is so nowhere."""
    (h, w), most = flow.shape[:2], max(REACHES)
    wide = np.pad(flow, ((most, most), (most, most), (0, 0)), mode="edge")
    for reach in REACHES:
        for dx, dy in ((reach, 0), (-reach, 0), (0, reach), (0, -reach)):
            offered = wide[most + dy : most + dy + h, most + dx : most + dx + w]
            apart = np.abs(offered - flow)
            differs = np.maximum(apart[..., 0], apart[..., 1]) > ALIKE
            if differs.any():
                yield offered, differs


def _mismatch(flow: Plane, here: Pixels, there: Pixels, asked: Places) -> Plane:
    """How badly the flow explains `here`: absolute color difference, over a small neighbourhood.

    (H, W), of use only where `asked` for: elsewhere it is not worked out.
    """
    ys, xs = np.nonzero(cv2.dilate(asked.astype(np.uint8), np.ones((_WIDTH, _WIDTH), np.uint8)))
    vectors = flow[ys, xs]
    moved = _sampled(there, xs.astype(np.float32) + vectors[:, 0], ys.astype(np.float32) + vectors[:, 1])
    apart = np.zeros(asked.shape, np.float32)
    apart[ys, xs] = cv2.absdiff(here[ys, xs], moved).sum(-1, dtype=np.uint16)
    mismatch: Plane = cv2.GaussianBlur(apart, (_WIDTH, _WIDTH), 1.0)
    return mismatch


def _sampled(pixels: Pixels, x: Plane, y: Plane) -> Pixels:
    """The colors at some places, (n, 3); in rows, since OpenCV has a limit to their length."""
    shape = (-(-len(x) // _ROW), _ROW)
    found = cv2.remap(
        pixels, np.resize(x, shape), np.resize(y, shape), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    sampled: Pixels = found.reshape(-1, 3)[: len(x)]
    return sampled


def forward_backward_consistency(backward: Plane, forward: Plane) -> Plane:
    """(H, W) in [0, 1], 1 where the forward flow leads home again and stays inside the frame.

    Not consistent where |w̃ + ŵ|² > 0.01 (|w̃|² + |ŵ|²) + 0.5, with ŵ the backward flow and w̃ the forward flow found
    at its end (Sundaram et al. 2010, as in Ruder et al. 2016). What comes from up to `_BORDER` pixels outside is part
    new: counted as seen, it would be the border's own pixels, in a slow pan frame after frame, drawn out into lines.
    """
    x, y = _ends(backward)
    home = cv2.remap(forward, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    error = np.square(home + backward).sum(-1)
    scale = np.square(home).sum(-1) + np.square(backward).sum(-1)
    trusted: Plane = _inside(backward) * (error <= 0.01 * scale + 0.5)
    return trusted


def _inside(flow: Plane) -> Plane:
    """(H, W) in [0, 1]: 1 where the flow ends inside the frame, 0 from `_BORDER` pixels outside on."""
    (h, w), (x, y) = flow.shape[:2], _ends(flow)
    beyond = np.maximum.reduce([-x, x - (w - 1), -y, y - (h - 1)])
    inside: Plane = np.clip(1 - beyond / _BORDER, 0, 1)
    return inside


def away_from_motion_boundaries(backward: Plane) -> Plane:
    """(H, W), 0 where |∇û|² + |∇v̂|² > 0.01 |ŵ|² + 0.002: on the edge of something that moves (Ruder et al. 2016)."""
    across, down = (cv2.Sobel(backward, cv2.CV_32F, *way, ksize=1) / 2 for way in ((1, 0), (0, 1)))
    steepness = (np.square(across) + np.square(down)).sum(-1)
    calm: Plane = (steepness <= 0.01 * np.square(backward).sum(-1) + 0.002).astype(np.float32)
    return calm


def previously_visible(forward: Plane) -> Plane:
    """(H, W) in [0, 1]: how far each pixel of the frame was in sight before, by what the forward flow brings to it.

    Every pixel of the frame before is laid where its flow leads, over the four nearest places (the range map of Wang et
    al. 2018, arXiv:1711.05890). What comes to light from behind something gets little, also where a smooth flow is only
    stretched over it and leads home; little is less than usual in this frame, for a camera that moves in thins out all.
    """
    h, w = forward.shape[:2]
    x, y = _ends(forward)
    left, top = np.floor(x), np.floor(y)
    laid = np.zeros((h + 2) * (w + 2))
    for column, row in ((left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)):
        share = (1 - np.abs(x - column)) * (1 - np.abs(y - row))
        place = np.clip(row + 1, 0, h + 1).astype(int) * (w + 2) + np.clip(column + 1, 0, w + 1).astype(int)
        laid += np.bincount(place.ravel(), share.ravel(), laid.size)
    density = cv2.GaussianBlur(laid.reshape(h + 2, w + 2)[1:-1, 1:-1].astype(np.float32), (0, 0), 0.8)
    density /= min(1.0, float(np.median(density)) + 1e-6)
    seen: Plane = np.clip((density - REACHED[0]) / (REACHED[1] - REACHED[0]), 0, 1)
    return seen


def photometric_consistency(backward: Plane, here: Pixels, there: Pixels) -> Plane:
    """(H, W) in [0, 1]: how well the flow explains the picture, after a change of light has been allowed for.

    A difference of color counts as far as it is above the picture's usual one, at most `USUAL`, and above what a small
    error of the flow makes of the local contrast: `EXCUSED` of it, where texture makes any flow look wrong.
    """
    moved = cv2.remap(there, *_ends(backward), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    relit = _relit(moved.astype(np.float32), here.astype(np.float32))
    difference: Plane = cv2.GaussianBlur(np.abs(here - relit).max(-1), (0, 0), 1.0)
    excess = difference - min(USUAL, float(np.median(difference))) - EXCUSED * _contrast(here)
    right: Plane = np.clip((DOUBTFUL[1] - excess) / (DOUBTFUL[1] - DOUBTFUL[0]), 0, 1).astype(np.float32)
    return right


def settle_plain_places(flow: Plane, trusted: Plane, here: Pixels, there: Pixels) -> tuple[Plane, Plane]:
    """Give plain places that have no motion to be trusted that of the places around them, if it explains the picture.

    A dark field has nothing that flow could hold on to: what is found there is noise that leads nowhere, and a film in
    which it were all made anew each frame would boil. Anything that moves as a whole will do.

    Returns:
        The flow, and where it can be trusted.

    """
    if trusted.mean() < ANCHORED:
        return flow, trusted
    plain = np.clip((PLAIN[1] - _contrast(here, 1.5)) / (PLAIN[1] - PLAIN[0]), 0, 1)
    around = _flow_around(flow, trusted * _contrast(here))
    explained = photometric_consistency(around, here, there) * _inside(around)
    settled = plain * explained * (1 - trusted)
    return flow + settled[..., None] * (around - flow), trusted + settled


def _flow_around(flow: Plane, weights: Plane) -> Plane:
    """The weighted mean of the flow, over as wide a neighbourhood as it takes to find some weight: (H, W, 2)."""
    h, w = weights.shape
    size = max(1, round(w * AROUND / max(h, w))), max(1, round(h * AROUND / max(h, w)))
    layers = np.dstack([flow * weights[..., None], weights])
    small = cv2.resize(layers, size, interpolation=cv2.INTER_AREA)
    total = sum(cv2.GaussianBlur(small, (0, 0), sigma) * share for sigma, share in REACH_SHARES)
    around: Plane = total[..., :2] / (total[..., 2:] + 1e-6)
    return np.asarray(cv2.resize(around, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def _relit(moved: Plane, here: Plane) -> Plane:
    """The moved picture in this frame's light: each channel by the gain and offset that fit best."""
    for channel in range(3):
        x, y = moved[..., channel].ravel(), here[..., channel].ravel()
        close = np.abs(y - x - np.median(y - x)) <= 3 * np.median(np.abs(y - x - np.median(y - x))) + 8
        gain, offset = np.polyfit(x[close][::7], y[close][::7], 1) if np.ptp(x[close]) > 8 else (1.0, 0.0)
        moved[..., channel] = np.clip(gain, 0.25, 4) * moved[..., channel] + offset
    return moved


def _contrast(here: Pixels, around: float = 3.0) -> Plane:
    """Standard deviation of the brightness around each pixel, in levels."""
    gray = _gray(here).astype(np.float32)
    mean, square = (cv2.GaussianBlur(plane, (0, 0), around) for plane in (gray, gray * gray))
    deviation: Plane = np.sqrt(np.maximum(square - mean * mean, 0))
    return deviation


def _by_geometry(backward: Plane, forward: Plane, here: Pixels, there: Pixels) -> Plane:
    return _softened(forward_backward_consistency(backward, forward))


def _by_boundary(backward: Plane, forward: Plane, here: Pixels, there: Pixels) -> Plane:
    return _softened(forward_backward_consistency(backward, forward) * away_from_motion_boundaries(backward))


def _by_evidence(backward: Plane, forward: Plane, here: Pixels, there: Pixels) -> Plane:
    evident = (
        forward_backward_consistency(backward, forward)
        * previously_visible(forward)
        * photometric_consistency(backward, here, there)
    )
    soft: Plane = np.minimum(cv2.GaussianBlur(evident, (0, 0), 0.5), evident)
    return soft


MASKS: dict[str, Mask] = {"evidence": _by_evidence, "geometry": _by_geometry, "boundary": _by_boundary}


def _softened(mask: Plane) -> Plane:
    """Shrink by a pixel and blur, so that doubt spreads and no hard edge shows."""
    shrunk = cv2.erode(mask, np.ones((3, 3), np.uint8))
    blurred: Plane = cv2.GaussianBlur(shrunk, (0, 0), 0.8)
    return np.minimum(blurred, mask)


def _ends(flow: Plane) -> tuple[Plane, Plane]:
    """Where each pixel's flow points, x and y."""
    h, w = flow.shape[:2]
    y, x = np.mgrid[:h, :w].astype(np.float32)
    return x + flow[..., 0], y + flow[..., 1]


def _bounded(pixels: Pixels) -> Pixels:
    """The picture at the size that flow is computed at, 8 bit."""
    if pixels.dtype != np.uint8:
        pixels = (pixels >> 8).astype(np.uint8)
    scale = LARGEST / max(pixels.shape[:2])
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return pixels


def _gray(pixels: Pixels) -> Gray:
    luma: Gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return luma


def _enlarged(flow: Plane, width: int, height: int) -> Plane:
    """The flow at the frame's own size, its vectors in the frame's own pixels."""
    h, w = flow.shape[:2]
    if (w, h) == (width, height):
        return flow
    larger = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
    scaled: Plane = larger * np.array([width / w, height / h], np.float32)
    return scaled
