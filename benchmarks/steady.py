"""Clips whose motion is known exactly, restyled by several methods: how steady, true and sharp they are. Markdown.

python benchmarks/steady.py [--size 256x144] [--frames 24] [--clips pan zoom ...] [--methods standard independent ...]

A camera moves over a picture: `pan`, `zoom` (with a slow turn), `rotation`, `deformation` (seen through moving water),
`static`, `fade` (to 0.4 of the light), `flash` (one frame nearly white), `cut` (in the middle, to the picture upside
down), `occlude`, a pan behind a moving disc, and `parallax`, a pan behind hills that go by six times as fast.

- warp error: root mean square difference of a frame and the one before, moved along the true motion (linear sampling),
  over pixels that both show, mean over the frames.
- drift: mean of the last frame less that of the first, in levels.
- style: style loss of the last frame over that of its content (`feature_losses`, built-in weights).
- sharpness: energy of the Laplacian of the last frame over that of the first.

The method `one picture` is the floor: the picture itself is restyled, with strokes of the same size, and the camera
goes over the result. Nothing can be steadier and as sharp; what is left is the measure's own sampling.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videostyle import Settings, Span, stylize_image, stylize_video
from videostyle.measure.quality.feature_losses import FeatureLossMeter, feature_judge
from videostyle.measure.quality.formulas import LUMA, difference, laplacian_energy, picture, warp_error

SAMPLES = Path(__file__).parents[1] / "samples"
CLIPS = ("pan", "zoom", "rotation", "deformation", "parallax", "occlude", "fade", "flash", "cut", "static")
SPEED = {"zoom": 0.0, "rotation": 0.0, "deformation": 0.0, "static": 0.0, "parallax": 0.3}  # of the camera; others: 1
METHODS = {
    "standard": Settings(),
    "passes 3": Settings(passes=3),
    "warm start only": Settings(temporal_weight=0),
    "no flow": Settings(flow="none"),
    "independent": Settings(independent=True),
    "one picture": Settings(),
}
ALONE = 5  # frames that are restyled on their own, at most: their errors need no more

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
Points = NDArray[np.float64]  # (H, W, 2), in pixels


@dataclass(frozen=True)
class Scene:
    """What a clip shows: a picture (H, W, 3) under a camera."""

    kind: str
    ground: Pixels
    width: int
    height: int
    count: int

    def frame(self, t: int) -> Pixels:
        shown = self.ground[::-1, ::-1] if self._cut(t) else self.ground
        seen = self._sampled(shown, self._ground(t))
        inside = self._near(t)
        seen[inside] = self._sampled(self.ground[:, ::-1], self._skin(t))[inside]
        dark = 1 - 0.6 * t / (self.count - 1) if self.kind == "fade" else 1.0
        white = 0.85 if self.kind == "flash" and t == self.count // 2 else 0.0
        relit: Pixels = np.rint(seen * (dark * (1 - white)) + 255 * white).astype(np.uint8)
        return relit

    def motion(self, t: int) -> tuple[Plane, Plane]:
        """Where each pixel of frame `t` was in the one before, (H, W, 2), and whether it was seen there, (H, W)."""
        inside = self._near(t)[..., None]
        flow = np.where(inside, self._near_flow(t), self._ground_flow(t)).astype(np.float32)
        was = (self._pixels() + flow).astype(np.float32)
        covered = cv2.remap(self._near(t - 1).astype(np.float32), was, None, cv2.INTER_LINEAR) > 0
        kept = ((was >= 0) & (was <= (self.width - 1, self.height - 1))).all(-1)
        seen = kept & (covered == self._near(t)) & (self._cut(t) == self._cut(t - 1))
        return flow, seen.astype(np.float32)

    def _ground(self, t: int) -> Points:
        """Where each pixel of frame `t` lies in the picture."""
        return _apply(self._camera(t), self._pixels()) + self._ripple(t, self._pixels())

    def _ground_flow(self, t: int) -> Points:
        """From frame `t` to the one before: ripples are less steep than 1, so going back and forth finds the place."""
        back, was = cv2.invertAffineTransform(self._camera(t - 1)), self._pixels()
        for _ in range(20 if self.kind == "deformation" else 1):
            was = _apply(back, self._ground(t) - self._ripple(t - 1, was))
        return was - self._pixels()

    def _camera(self, t: int) -> NDArray[np.float64]:
        """(2, 3): pixels of frame `t` → of the picture."""
        scale = 1 / (1 + 0.01 * t) if self.kind == "zoom" else 1.0
        angle = {"zoom": 0.004, "rotation": 0.02}.get(self.kind, 0.0) * t
        c, s = scale * np.cos(angle), scale * np.sin(angle)
        turn = np.array([[c, -s], [s, c]])
        middle = np.array([0.75 * self.width, 0.75 * self.height])
        middle += SPEED.get(self.kind, 1.0) * np.array([1.6, 0.5]) * t
        return np.column_stack([turn, middle - turn @ (self.width / 2, self.height / 2)])

    def _ripple(self, t: int, at: Points) -> Points:
        """How far water bends what is seen through it at pixels (H, W, 2)."""
        if self.kind != "deformation":
            return np.zeros_like(at)
        waves = np.sin(2 * np.pi * (at[..., ::-1] / (0.5 * self.height) + t / 24))
        return 0.03 * self.height * waves

    def _skin(self, t: int) -> Points:
        """The same for what is near, whose own picture goes along with it."""
        return self._pixels() + self.height - self._place(t)

    def _near_flow(self, t: int) -> Points:
        return np.broadcast_to(self._place(t - 1) - self._place(t), (self.height, self.width, 2))

    def _place(self, t: int) -> NDArray[np.float64]:
        """Where what is near is: the disc's middle, or how far the hills have gone by."""
        if self.kind == "parallax":
            return np.array([-3.0 * t, 0.0])
        return np.array([0.2 * self.width + 4 * t, 0.55 * self.height + 8 * np.sin(t / 3)])

    def _near(self, t: int) -> NDArray[np.bool_]:
        """Which pixels, (H, W), show something before the picture."""
        at = self._pixels() - self._place(t)
        if self.kind == "parallax":
            hills = 0.7 + 0.12 * np.sin(at[..., 0] * 7 / self.height)
            return np.asarray(at[..., 1] > hills * self.height)
        return np.asarray((self.kind == "occlude") & (np.hypot(at[..., 0], at[..., 1]) < 0.17 * self.height))

    def _pixels(self) -> Points:
        y, x = np.mgrid[: self.height, : self.width].astype(np.float64)
        return np.dstack([x, y])

    def _cut(self, t: int) -> bool:
        return self.kind == "cut" and t >= self.count // 2

    def _sampled(self, shown: Pixels, where: Points) -> Pixels:
        seen: Pixels = cv2.remap(shown, where.astype(np.float32), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        return seen


def _apply(affine: NDArray[np.float64], points: Points) -> Points:
    """Move points (H, W, 2) by an affine map (2, 3)."""
    moved: Points = points @ affine[:, :2].T + affine[:, 2]
    return moved


def write_clip(path: Path, frames: Sequence[Pixels]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def read_clip(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def restyled(scene: Scene, name: str, style: Path) -> list[Pixels]:
    """The frames of a clip restyled by one method; of `independent` not all."""
    longest = max(scene.width, scene.height)
    settings = METHODS[name].override(codec="ffv1", weights="builtin", size=longest)
    with tempfile.TemporaryDirectory() as folder:
        if name == "one picture":
            ground = painted(scene.ground, style, settings, Path(folder))
            return [replace(scene, ground=ground).frame(t) for t in range(scene.count)]
        clip, output = Path(folder, "clip.mkv"), Path(folder, "out.mkv")
        write_clip(clip, [scene.frame(t) for t in range(scene.count)])
        count = min(ALONE, scene.count) if settings.independent else scene.count
        stylize_video(clip, style, output, settings, span=Span(0, count))
        return read_clip(output)


def painted(ground: Pixels, style: Path, settings: Settings, folder: Path) -> Pixels:
    """What the camera sees, restyled once, with strokes as large as in a frame."""
    before, after, longest = folder / "ground.png", folder / "painted.png", max(ground.shape[:2])
    Image.fromarray(ground).save(before)
    stylize_image(before, style, after, settings.override(size=longest, style_scale=(settings.size / longest,)))
    found: Pixels = np.asarray(Image.open(after).convert("RGB"))
    return found


def row(scene: Scene, name: str, style: Path, judge: FeatureLossMeter) -> list[str]:
    """A clip restyled by one method: its line of the table."""
    made = restyled(scene, name, style)
    count, seen = len(made), [picture(frame) for frame in made]
    moves = [
        (difference(now, before, flow), mask)
        for (before, now), (flow, mask) in zip(
            itertools.pairwise(seen), (scene.motion(t) for t in range(1, count)), strict=True
        )
    ]
    errors = [error for apart, mask in moves if (error := warp_error(apart, mask)) is not None]
    found = judge(scene.frame(count - 1), made[-1])
    energies = [laplacian_energy(shown @ LUMA) for shown in (seen[0], seen[-1])]
    return [
        scene.kind,
        name,
        f"{np.mean(errors):.4f}",
        f"{255 * (seen[-1].mean() - seen[0].mean()):+.2f}",
        f"{found.style_loss / found.style_loss_content:.3f}",
        f"{energies[1] / energies[0]:.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, default=SAMPLES / "embers.jpg", help="what the camera sees")
    parser.add_argument("--style", type=Path, default=SAMPLES / "night.jpg")
    parser.add_argument("--size", default="256x144", help="of the frames")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--clips", nargs="+", choices=CLIPS, default=CLIPS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    words = parser.parse_args()
    width, height = map(int, words.size.split("x"))
    photo, style = (np.asarray(Image.open(path).convert("RGB")) for path in (words.photo, words.style))
    scale = 2 * max(width / photo.shape[1], height / photo.shape[0])
    ground = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    judge = feature_judge([style], "builtin", "auto", max(width, height))
    columns = ("clip", "method", "warp error", "drift", "style", "sharpness")
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for kind, name in itertools.product(words.clips, words.methods):
        cells = row(Scene(kind, ground, width, height, words.frames), name, words.style, judge)
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
