"""What the styles ask of a shot: pictures → the terms of a frame of any size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from videostyle.settings import Settings
from videostyle.style.device import choose_precision
from videostyle.style.features.layers import MATCHED_FROM, layer_shares, reach, stride
from videostyle.style.objective import attention, losses, palette
from videostyle.style.objective.statistics import STATISTICS, Distance, Statistics, StyleStatistic, in_bfloat16, mixed
from videostyle.style.objective.terms import Extract, Features, FeatureTerm, RangeTerm, StyleTerm, Term, VariationTerm
from videostyle.style.pixels import resize, scaled_size

RANGE_WEIGHT = 1.0
HALVED = ("centred", "gram", "classic")  # measures that may see half precision where the network has it
BORDER = 0.04  # of each side of a painting: the edge of its canvas, a frame or a margin
BEYOND = 0.25  # share of what a place sees that may lie beyond its region before it no longer counts


@dataclass(frozen=True, eq=False)
class Style:
    """One style picture.

    Args:
        image: (1, 3, H, W) RGB in [0, 1].
        scale: Its longest side over the frame's.
        share: How much it counts beside the other styles.
        mask: (1, 1, H, W) in [0, 1], the part of it that counts; None is all of it.

    """

    image: Tensor
    scale: float
    share: float
    mask: Tensor | None = None

    @classmethod
    def of_painting(cls, image: Tensor, scale: float, share: float, mask: Tensor | None = None) -> Style:
        """Leave a painting's border out; its strokes keep their size.

        What a painting shows only along its edge, the style would draw there too: a colored line at the picture's own
        edge, where a border that is replicated counts as a stripe that goes on for ever.
        """
        whole = max(image.shape[2:])
        inner = _without_border(image)
        return cls(inner, scale * max(inner.shape[2:]) / whole, share, None if mask is None else _without_border(mask))


@dataclass(frozen=True, eq=False)
class StyleTargets:
    """What the styles of one region ask of a frame of one size, by layer."""

    statistics: Mapping[str, Statistics]
    distances: Mapping[str, Distance]
    guidance: Mapping[str, list[Tensor]]  # activations of the styles, for attention to match
    smoothness: Tensor


class Look:
    """The look of one shot; its first frame settles the palette, so that it holds for the whole shot.

    Args:
        settings: How.
        styles: One or more; they are mixed, or with masks in the settings each has its region.
        content: (1, 3, H, W), the first frame of the shot.

    """

    def __init__(self, settings: Settings, styles: Sequence[Style], content: Tensor) -> None:
        self._settings = settings
        self._measure = _measure(settings, content.device)
        painted = [Style(_painted(s.image, content, settings.color), s.scale, s.share, s.mask) for s in styles]
        self.styles = painted
        self._groups = [[style] for style in painted] if settings.content_masks else [painted]
        self._content_shares = layer_shares(settings.content_layers)
        self._style_shares = layer_shares(settings.style_layers)
        self._aims = cache(self._find_aims)

    def canvas(self, content: Tensor) -> Tensor:
        """The picture to work on, for a frame: in gray where the content's colors are to stay."""
        return palette.gray(content) if self._settings.color == "content" else content

    def finished(self, image: Tensor, content: Tensor, regions: Sequence[Tensor] = ()) -> Tensor:
        """Return the stylized frame, for a canvas that has been worked on: where no style goes, it is the content."""
        made = palette.recolored(image, content) if self._settings.color == "content" else image
        if not regions:
            return made
        styled = torch.stack([_laid(region, made) for region in regions]).sum(0).clamp(0, 1)
        return torch.lerp(content, made, styled)

    @torch.no_grad()
    def terms(self, extract: Extract, target: Tensor, regions: Sequence[Tensor]) -> list[Term]:
        """What a frame is to be.

        Args:
            extract: The network.
            target: (1, 3, H, W), the canvas of the frame at the size of the work.
            regions: (1, 1, h, w) in [0, 1] for each style, where it goes; empty where styles are mixed.

        """
        s, longest = self._settings, max(target.shape[2:])
        wanted = {*self._content_shares, *(self._matched_layers() if s.match_weight else ())}
        wanted |= self._style_shares.keys() if s.strength < 1 else set()
        features = extract(target, wanted)
        strong = self._strength(features)
        aims = [self._aims(extract, group, longest) for group in range(len(self._groups))]
        terms: list[Term] = [self._content_term(features, strong)]
        for number, aim in enumerate(aims):
            region = regions[number] if regions else None
            terms += self._style_terms(aim, features, region, strong, f" {number + 1}" if regions else "", target)
        if s.tv_weight:
            smoothness = torch.stack([aim.smoothness for aim in aims]).mean()
            terms.append(VariationTerm(target=smoothness, weight=s.tv_weight * s.strength))
        return terms if s.normalization == "none" else [*terms, RangeTerm(weight=RANGE_WEIGHT)]

    @torch.no_grad()
    def salience(self, extract: Extract, target: Tensor) -> Tensor:
        """What stands out in a frame, (1, 1, h, w) in [0, 1], at the size of the deepest content layer."""
        deepest = max(self._content_shares, key=stride)
        return attention.salience(extract(target, [deepest])[deepest])

    def _strength(self, features: Features) -> Tensor | None:
        if not self._settings.attention:
            return None
        deepest = max(self._content_shares, key=stride)
        return attention.strength(attention.salience(features[deepest]), self._settings.attention)

    def _content_term(self, features: Features, strong: Tensor | None) -> Term:
        targets = {name: features[name] for name in self._content_shares}
        plain = self._settings.normalization == "none"  # Σ (F - P)² / 2: Gatys et al. 2016, eq. 1
        return FeatureTerm(
            targets=targets,
            shares=self._content_shares,
            scale={name: 2 / f.numel() for name, f in targets.items()} if plain else _variations(targets),
            guidance={} if strong is None else {n: _even(_laid(1 / strong, f)) for n, f in targets.items()},
            weight=self._settings.content_weight,
        )

    def _style_terms(
        self,
        aim: StyleTargets,
        features: Features,
        region: Tensor | None,
        strong: Tensor | None,
        name: str,
        target: Tensor,
    ) -> list[Term]:
        """A region's pull is as strong at each of its places as if the whole frame were that region."""
        s, area = self._settings, 1.0 if region is None else float(region.mean())
        inner = {} if region is None else {n: _inner(region, n, _size(target, n)) for n in self._style_shares}
        guidance = _products(inner, strong, target, self._style_shares)
        style = StyleTerm(
            compute=self._measure.compute,
            distances=aim.distances if s.strength == 1 else self._partial(aim, features, guidance),
            shares=_shares_inside(self._style_shares, inner, area),
            guidance=guidance,
            weight=s.style_weight * area,
            decay=s.style_decay,
            name=f"style{name}",
        )
        if not s.match_weight:
            return [style]
        layers = self._matched_layers()
        laid = {} if region is None else {n: _laid(region, features[n]) for n in layers}
        matched = {n: attention.matched(features[n], aim.guidance[n]) for n in layers}
        match = FeatureTerm(
            targets=matched,
            shares={n: 1 / len(layers) for n in layers},
            scale=_variations(matched),
            guidance={n: _even(guidance) for n, guidance in _products(laid, strong, target, layers).items()},
            weight=s.match_weight * area * s.strength,
            decay=s.style_decay,
            name=f"match{name}",
        )
        return [style, match]

    def _partial(self, aim: StyleTargets, features: Features, guidance: Mapping[str, Tensor]) -> dict[str, Distance]:
        """Ask for statistics on the way from the content's own, at strength 0, to the style's, at 1."""
        share = self._settings.strength
        shares = torch.tensor([1 - share, share]).to(next(iter(features.values())))
        own = {name: self._measure.compute(features[name], guidance.get(name)) for name in self._style_shares}
        return {
            name: self._measure.distance_to(mixed([own[name], statistics], shares))
            for name, statistics in aim.statistics.items()
        }

    def _matched_layers(self) -> list[str]:
        return [name for name in self._style_shares if stride(name) >= MATCHED_FROM]

    @torch.no_grad()
    def _find_aims(self, extract: Extract, group: int, longest: int) -> StyleTargets:
        styles = self._groups[group]
        shares = torch.tensor([style.share if len(styles) > 1 else 1.0 for style in styles]).to(styles[0].image)
        shares = shares / shares.sum()
        pictures = [resize(s.image, scaled_size(s.image, longest * s.scale)).clamp(0, 1) for s in styles]
        found = [extract(picture, self._style_shares) for picture in pictures]
        statistics = {}
        for name in self._style_shares:
            described = [
                self._measure.compute(f[name], None if s.mask is None else _laid(s.mask, f[name]))
                for f, s in zip(found, styles, strict=True)
            ]
            statistics[name] = mixed(described, shares)
        distances = {name: self._measure.distance_to(target) for name, target in statistics.items()}
        kept = {name: [f[name] for f in found] for name in self._matched_layers() if self._settings.match_weight}
        smoothness = torch.stack([losses.total_variation(picture) for picture in pictures])
        return StyleTargets(statistics, distances, kept, (shares * smoothness).sum())


def _without_border(picture: Tensor) -> Tensor:
    """The inner part of a picture, (1, C, H, W)."""
    h, w = picture.shape[2:]
    y, x = round(BORDER * h), round(BORDER * w)
    return picture[..., y : h - y, x : w - x]


def _measure(settings: Settings, device: torch.device) -> StyleStatistic:
    name = "classic" if settings.normalization == "none" else settings.style_loss
    half = device.type == "cuda" and choose_precision(settings.precision, device) != torch.float32
    return in_bfloat16(STATISTICS[name]) if half and name in HALVED else STATISTICS[name]


def _variations(targets: Features) -> dict[str, Tensor]:
    return {name: losses.variation(target) for name, target in targets.items()}


def _painted(style: Tensor, content: Tensor, colors: str) -> Tensor:
    """The style picture with the colors that the shot allows."""
    if colors == "content":
        return palette.in_range_of(palette.gray(style), palette.gray(content))
    return palette.palette_matched(style, content) if colors == "match" else style


def _inner(region: Tensor, layer: str, size: tuple[int, int]) -> Tensor:
    """A region, at the size of a layer, less the places whose activations see much of what lies beyond its edge.

    They would have the other region's style count in this one's, so Gatys et al. 2017 (arXiv:1611.07865, section 4.1)
    leave them out as well; here softly, by how much more or less of the region lies around them than at them.
    """
    laid = _laid(region, size)
    cells = math.ceil(reach(layer) / stride(layer))
    around = F.avg_pool2d(laid, 2 * cells + 1, 1, cells, count_include_pad=False)
    foreign = (around - laid).abs() / laid.clamp(min=losses.EPSILON)
    return laid * (1 - foreign / BEYOND).clamp(min=0)


def _shares_inside(shares: Mapping[str, float], inner: Mapping[str, Tensor], area: float) -> Mapping[str, float]:
    """How much each layer counts in a region, by how much of the region its places see alone."""
    if not inner:
        return shares
    kept = {name: share * float(inner[name].mean()) / max(area, losses.EPSILON) for name, share in shares.items()}
    total = sum(kept.values())
    return {name: share / total for name, share in kept.items()} if total else shares


def _products(
    regions: Mapping[str, Tensor], strong: Tensor | None, target: Tensor, layers: Iterable[str]
) -> dict[str, Tensor]:
    """How much each place counts, by layer; none where all count alike."""
    if strong is None:
        return dict(regions)
    steered = {name: _laid(strong, _size(target, name)) for name in layers}
    return {name: guidance * regions[name] if regions else guidance for name, guidance in steered.items()}


def _size(target: Tensor, layer: str) -> tuple[int, int]:
    """(H, W) of an activation of `target`."""
    h, w = target.shape[2:]
    return max(1, h // stride(layer)), max(1, w // stride(layer))


def _laid(guidance: Tensor, like: Tensor | tuple[int, int]) -> Tensor:
    """A map at another size."""
    size = like if isinstance(like, tuple) else (like.shape[2], like.shape[3])
    return F.interpolate(guidance, size, mode="bilinear", antialias=True).clamp(min=0)


def _even(guidance: Tensor) -> Tensor:
    """A map with mean 1."""
    return guidance / guidance.mean().clamp(min=losses.EPSILON)
