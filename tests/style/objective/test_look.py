"""Every part of the look does what it says: a test each that fails if it does nothing, or the wrong thing."""

import numpy as np
import pytest
import torch

from tests.helpers import media
from tests.helpers.look import BLUE, IMAGE, RED, SETTINGS, STYLE, picture, stylized
from videostyle.settings import Settings
from videostyle.sources import PRESETS
from videostyle.style import pixels
from videostyle.style.features.layers import layer_shares
from videostyle.style.objective import look
from videostyle.style.objective.look import Look, Style
from videostyle.style.objective.terms import Objective, TemporalTerm


def redness(image):
    return image[..., 0].astype(float).mean() - image[..., 2].mean()


def test_a_style_counts_as_much_as_its_share(network):
    mostly_red, mostly_blue = (picture(network, styles=[RED, BLUE], style_mix=mix) for mix in ((9, 1), (1, 9)))
    assert redness(mostly_red) > redness(mostly_blue) + 30


def test_each_style_goes_to_its_region(network):
    gray = np.repeat(IMAGE.mean(2, keepdims=True), 3, axis=2).astype(np.uint8)
    left = np.zeros((48, 64), np.float32)
    left[:, :32] = 1
    how = {"image": gray, "styles": [RED, BLUE], "content_masks": ("a", "b"), "style_weight": 100}
    made, swapped = picture(network, regions=[left, 1 - left], **how), picture(network, regions=[1 - left, left], **how)
    assert redness(made[:, :28]) > redness(swapped[:, :28]) + 30
    assert redness(made[:, 36:]) < redness(swapped[:, 36:]) - 30


def test_places_that_see_across_the_edge_of_a_region_do_not_count():
    left = torch.zeros(1, 1, 64, 256)
    left[..., :128] = 1
    fine, deep = (look._inner(left, name, size)[0, 0, 8 // (256 // size[1])] for name, size in SEEN)
    assert fine[:127].tolist() == [1] * 127
    assert deep[:8].tolist() == [1] * 8  # of 8 pixels each: these see nothing of the other side
    assert deep[14:].abs().max() == 0
    even = torch.full_like(left, 0.5)
    torch.testing.assert_close(look._inner(even, "relu4_1", (8, 32)), even[..., :8, :32])


SEEN = (("relu1_1", (64, 256)), ("relu4_1", (8, 32)))


def test_what_no_region_covers_is_left_to_the_content(network):
    left = np.zeros((48, 64), np.float32)
    left[:, :20] = 1
    made = picture(network, regions=[left], content_masks=("a",)).astype(int)
    change = np.abs(made - IMAGE).mean((0, 2))
    assert change[44:].mean() < 0.4 * change[:16].mean()


def test_only_the_white_part_of_a_style_counts(network):
    both = np.concatenate([RED, BLUE], axis=1)
    half = np.zeros(both.shape[:2], np.float32)
    half[:, :80] = 1
    assert redness(picture(network, styles=[both], masks=[half])) > redness(picture(network, styles=[both])) + 15


def test_a_style_of_one_color_does_not_end_the_work(network):
    flat = np.full((40, 60, 3), (30, 60, 210), np.uint8)
    assert stylized(network, styles=[flat]).frame.pixels.shape == IMAGE.shape


def test_the_classic_preset_is_the_classic_recipe():
    gatys = PRESETS["gatys"]
    assert layer_shares(gatys.content_layers) == layer_shares(["block4_conv2"])
    assert layer_shares(gatys.style_layers) == {f"relu{k}_1": 0.2 for k in range(1, 6)}
    assert (gatys.optimizer, gatys.first_iterations, gatys.max_size, gatys.init) == ("lbfgs", 1000, 512, "content")
    assert (gatys.pooling, gatys.normalization, gatys.tv_weight) == ("average", "none", 0)


def test_classic_losses_are_the_sums_of_the_article_and_no_others(network):
    """Gatys et al. 2016, equations 1, 4 and 5, from the content as it is."""
    settings = {"style_loss": "gram", "normalization": "none", "style_weight": 1e4, "tv_weight": 0}
    settings["content_layers"] = ("relu4_2",)
    made = stylized(network, first_iterations=2, seed=0, **settings)
    start = torch.tensor(IMAGE).permute(2, 0, 1)[None] / 255
    style = pixels.resize(pixels.to_tensor(STYLE), (48, 64)).clamp(0, 1)
    names = list(layer_shares(SETTINGS.style_layers))
    first = stylized(network, first_iterations=1, seed=0, **settings)
    ours, theirs = network(start, names), network(style, names)
    gaps = [_printed_style_loss(ours[n][0].flatten(1), theirs[n][0].flatten(1)) for n in names]
    assert set(first.losses) == set(made.losses) == {"style", "content"}
    assert first.losses["style"] == pytest.approx(1e4 * sum(gaps) / 5, rel=1e-3)
    assert first.losses["content"] == 0
    image = torch.tensor(made.frame.pixels).permute(2, 0, 1)[None] / 255
    assert made.losses["content"] > 0.1 * _printed_content_loss(network, image, start)


def _printed_style_loss(ours, theirs):
    (channels, places), (_, others) = ours.shape, theirs.shape
    gap = (ours @ ours.T) - (theirs @ theirs.T) * places / others
    return float(gap.square().sum() / (4 * channels**2 * places**2))


def _printed_content_loss(network, image, content):
    ours, theirs = (network(each, ["relu4_2"])["relu4_2"] for each in (image, content))
    return float((ours - theirs).square().sum() / 2)


def test_a_style_keeps_its_shape_in_a_frame_of_any(network):
    seen = []

    def extract(picture, layers):
        seen.append(tuple(picture.shape[2:]))
        return network(picture, layers)

    settings, content = Settings(style_layers=("relu1_1",)), torch.rand(1, 3, 48, 64)
    look = Look(
        settings, [Style(torch.rand(1, 3, 30, 90), 0.5, 1.0), Style(torch.rand(1, 3, 90, 30), 1.0, 1.0)], content
    )
    look.terms(extract, content, ())
    assert seen == [(48, 64), (11, 32), (64, 21)]


def test_the_losses_that_are_told_are_those_that_are_optimized(network):
    """Their sum is, and so is its slope along the gradient."""
    generator = torch.Generator().manual_seed(0)
    content, style, image = (torch.rand(1, 3, 48, 64, generator=generator) for _ in range(3))
    look = Look(Settings(), [Style(style, 1.0, 1.0)], content)
    temporal = TemporalTerm(warped=content, mask=torch.ones(1, 1, 48, 64), weight=200)
    objective = Objective(network, [*look.terms(network, content, ()), temporal])
    loss, told = objective(image.requires_grad_())
    assert set(told) == {"content", "style", "tv", "range", "temporal"}
    shares = {name: share.item() for name, share in told.items()}
    assert all(shares[name] > 1e-4 * loss.item() for name in shares if name != "range")
    assert sum(shares.values()) == pytest.approx(loss.item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, image)
    step = 0.01 * gradient / gradient.norm()
    with torch.no_grad():
        ends = [sum(share.double() for share in objective(image + way * step)[1].values()) for way in (1, -1)]
    assert float(ends[0] - ends[1]) == pytest.approx(2 * float((gradient * step).sum()), rel=0.02)


def test_what_a_painting_shows_along_its_edge_is_not_painted():
    """A white margin around it changes nothing of what the style asks for."""
    inner = pixels.to_tensor(media.texture(92, 46, seed=3))
    framed = torch.ones(1, 3, 50, 100)
    framed[..., 2:48, 4:96] = inner
    style = Style.of_painting(framed, 1.5, 1.0, torch.ones(1, 1, 50, 100))
    assert torch.equal(style.image, inner)
    assert style.mask.shape[2:] == inner.shape[2:]
    assert style.scale == pytest.approx(1.5 * 92 / 100)  # its strokes are as large as with the margin
