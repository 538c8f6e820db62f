"""Every part of the look does what it says: a test each that fails if it does nothing, or the wrong thing."""

import logging
from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.helpers import media
from videostyle.frames import Frame, TrackedFrame
from videostyle.settings import Settings
from videostyle.sources import PRESETS
from videostyle.style import pixels
from videostyle.style.features.layers import layer_shares
from videostyle.style.objective import attention, look, losses, palette
from videostyle.style.objective.look import HALVED, Look, Style
from videostyle.style.objective.statistics import STATISTICS, in_bfloat16, mixed
from videostyle.style.objective.terms import Objective, TemporalTerm
from videostyle.style.optimize.schedule import fresh_levels
from videostyle.style.stylizer import Stylizer
from videostyle.style.tiling import FALLBACKS, Tiled

SETTINGS = Settings(first_iterations=15, scales=(1.0,))
STYLE = media.texture(80, 60, seed=7)[..., ::-1].copy()
IMAGE = media.texture(64, 48)
CPU = torch.device("cpu")


def stylized(network, *, image=IMAGE, styles=(STYLE,), regions=(), masks=(), **changes):
    stylizer = Stylizer(SETTINGS.override(**changes), network, list(styles), CPU, masks=masks)
    (made,) = stylizer.stylize([TrackedFrame(Frame(image, 0, Fraction(1), 1, 0), None, regions=tuple(regions))])
    return made


def picture(network, **how):
    return stylized(network, **how).frame.pixels


def lab(image):
    return palette.to_oklab(pixels.to_tensor(image))


def painted(hue):
    """A style of one color with some texture."""
    return np.clip(media.texture(80, 60, seed=3).mean(2, keepdims=True) / 130 * np.float32(hue), 0, 255).astype(
        np.uint8
    )


RED, BLUE = painted((200, 40, 30)), painted((30, 60, 210))


# Color


def test_oklab_by_its_authors_numbers():
    white = palette.to_oklab(torch.ones(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(white, torch.tensor([1.0, 0.0, 0.0]), atol=1e-3, rtol=0)
    red = palette.to_oklab(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(red, torch.tensor([0.62796, 0.22486, 0.12585]), atol=1e-3, rtol=0)


def test_oklab_and_back_is_the_picture():
    image = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(palette.from_oklab(palette.to_oklab(image)), image, atol=1e-3, rtol=0)


def test_a_palette_match_has_the_others_mean_and_covariance():
    image = 0.5 + 0.05 * torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    other = 0.4 + 0.1 * torch.rand(1, 3, 30, 30, generator=torch.Generator().manual_seed(1)).cumsum(1) / 2
    moved, wanted = (x.flatten(2)[0] for x in (palette.palette_matched(image, other), other))
    torch.testing.assert_close(moved.mean(1), wanted.mean(1), atol=2e-3, rtol=0)
    torch.testing.assert_close(torch.cov(moved), torch.cov(wanted), atol=2e-4, rtol=0)


def test_the_contents_colors_stay_and_its_lightness_does_not(network):
    made = picture(network, color="content")
    (before, after, free) = (lab(p) for p in (IMAGE, made, picture(network)))
    kept, lost = ((x[:, 1:] - before[:, 1:]).abs().mean() for x in (after, free))
    assert kept < 0.25 * lost
    assert (after[:, :1] - before[:, :1]).abs().mean() > 0.02


def test_a_matched_style_has_the_contents_palette(network):
    matched, free = picture(network, styles=[BLUE], color="match"), picture(network, styles=[BLUE])
    gap = [np.abs(p.mean((0, 1)) - IMAGE.mean((0, 1))).max() for p in (matched, free)]
    assert gap[0] < 0.3 * gap[1]


# Measures


@pytest.mark.parametrize("name", STATISTICS)
def test_a_measure_is_nothing_for_the_style_and_falls_towards_it(name):
    generator = torch.Generator().manual_seed(0)
    style = torch.rand(1, 8, 20, 20, generator=generator).cumsum(1)
    far = torch.rand(1, 8, 20, 20, generator=generator)
    measure = STATISTICS[name]
    distance = measure.distance_to(measure.compute(style, None))
    gaps = [float(distance(measure.compute(far + t * (style - far), None))) for t in (0, 0.5, 1)]
    assert gaps[0] > 1.5 * gaps[1] > 0
    assert abs(gaps[2]) < 1e-4 * gaps[0] + 1e-5


@pytest.mark.parametrize("name", STATISTICS)
def test_a_measure_has_a_gradient_that_descends(name):
    style = torch.rand(1, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    measure = STATISTICS[name]
    distance = measure.distance_to(measure.compute(style, None))
    x = torch.rand(1, 8, 16, 16, generator=torch.Generator().manual_seed(1), requires_grad=True)
    loss = distance(measure.compute(x * 2, None))
    (slope,) = torch.autograd.grad(loss, x)
    lower = distance(measure.compute(2 * (x - 0.05 * slope / slope.abs().max()), None))
    assert float(lower.detach()) < float(loss.detach())


@pytest.mark.parametrize("name", STATISTICS)
def test_places_of_no_weight_are_not_seen(name):
    features = torch.rand(1, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    other = features.clone()
    other[..., 6:] = 9
    guidance = torch.zeros(1, 1, 12, 12)
    guidance[..., :6] = 2.0
    seen, alone = (STATISTICS[name].compute(f, p) for f, p in ((other, guidance), (features[..., :6], None)))
    for a, b in zip(seen, alone, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("name", HALVED)
def test_a_measure_in_half_precision_has_the_gradient_of_float32(name):
    generator = torch.Generator().manual_seed(0)
    style, x = (torch.rand(1, 32, 16, 16, generator=generator).cumsum(1) for _ in range(2))

    def gradient(measure, guidance):
        leaf = x.clone().requires_grad_(True)
        aim = STATISTICS[name].distance_to(STATISTICS[name].compute(style, None))
        loss = aim(measure.compute(leaf, guidance))
        return torch.autograd.grad(loss, leaf)[0]

    exact, half = gradient(STATISTICS[name], None), gradient(in_bfloat16(STATISTICS[name]), None)
    assert half.dtype == torch.float32
    assert torch.cosine_similarity(exact.flatten(), half.flatten(), dim=0) > 0.999
    assert not torch.equal(exact, half)
    guidance = torch.linspace(0, 1, 256).view(1, 1, 16, 16)
    assert torch.equal(gradient(STATISTICS[name], guidance), gradient(in_bfloat16(STATISTICS[name]), guidance))


def test_weighted_moments_have_the_gradient_that_differences_say():
    features = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    guidance = torch.rand(1, 1, 4, 5, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: losses.channel_moments(x, guidance), (features,))


def test_wasserstein_distance_of_gaussians_by_hand():
    """Between covariances 4 and 1 along each of two axes it is (2 - 1)² twice."""
    wide, narrow = 4 * torch.eye(2), torch.eye(2)
    assert float(losses.wasserstein_gap(wide, narrow, narrow)) == pytest.approx(2, abs=1e-3)


def test_styles_are_mixed_by_their_shares():
    (mean,) = mixed([(torch.tensor([1.0]),), (torch.tensor([5.0]),)], torch.tensor([0.25, 0.75]))
    assert float(mean) == 4


# Several styles, scales, masks, regions


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


# Attention


def test_what_stands_out_is_found(network):
    image = np.full((64, 96, 3), 120, np.uint8)
    image[20:44, 56:80] = media.texture(24, 24, seed=5)
    found = Stylizer(SETTINGS, network, [STYLE], CPU).salience(image)
    assert found.shape == (64, 96)
    assert found[20:44, 56:80].mean() > 0.5 > 0.3 > found[:, :32].mean()


def test_attention_steers_where_the_style_goes(network):
    image = np.full((64, 96, 3), 120, np.uint8)
    image[20:44, 56:80] = media.texture(24, 24, seed=5)
    shares = []
    for amount in (1, 0, -1):
        change = np.abs(picture(network, image=image, attention=amount).astype(int) - image).mean(2)
        shares.append(change[20:44, 56:80].mean() / change[:, :32].mean())
    assert shares[0] > 1.1 * shares[1] > 1.1 * 1.1 * shares[2]


def test_attention_matches_each_place_with_what_it_resembles():
    """Content and style have two kinds of places, in other colors: each takes on its own kind's."""
    content, style = torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4)
    content[:, 0, :2], content[:, 1, 2:] = 1.0, 1.0
    style[:, 0, :, :2], style[:, 1, :, 2:] = 7.0, 3.0
    found = attention.matched(content, [style])
    assert found[0, 0, :2].mean() > 6 > 1 > found[0, 0, 2:].mean()
    assert found[0, 1, 2:].mean() > 2.5 > 0.5 > found[0, 1, :2].mean()


def test_a_match_pulls_towards_the_matched_features(network):
    made = stylized(network, match_weight=3.0)
    assert "match" in made.losses
    assert not np.array_equal(made.frame.pixels, picture(network))


# Steps


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_decay_gives_the_style_less_to_say_at_the_end(network, optimizer):
    constant, falling = (stylized(network, style_decay=d, optimizer=optimizer).losses for d in (0, 1))
    assert falling["content"] < constant["content"]
    assert falling["style"] < 0.2 * constant["style"]  # weighted, at the last step


def test_averaged_steps_are_less_noisy(network):
    grain = []
    for ema_decay in (0, 0.9):
        image = picture(network, ema_decay=ema_decay, optimizer="adam").astype(float)
        grain.append(np.abs(np.diff(image, n=2, axis=1)).mean())
    assert grain[1] < 0.97 * grain[0]


def test_levels_have_as_many_steps_each():
    levels = fresh_levels(Settings(first_iterations=20, scales=(0.25, 0.5, 1.0)), 512)
    assert [(level.scale, level.iterations) for level in levels] == [(0.25, 20), (0.5, 20), (1.0, 20)]
    assert [level.progress(0.5) for level in levels] == pytest.approx([1 / 6, 1 / 2, 5 / 6])


def test_a_larger_picture_goes_through_the_sizes_of_a_smaller_one():
    larger, smaller = (
        [round(longest * level.scale) for level in fresh_levels(Settings(), longest)] for longest in (1024, 256)
    )
    assert smaller == [128, 256]
    assert larger == [*smaller, 512, 1024]
    assert [level.scale for level in fresh_levels(Settings(), 100)] == [1.0]


def test_a_report_tells_content_and_style(network, caplog):
    with caplog.at_level(logging.INFO, logger="videostyle"):
        stylized(network, log_every=5)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3
    assert told[0].startswith("step 5 of 15: content ")
    assert "style" in told[0]


def test_a_start_is_what_was_asked_for(network):
    other = media.texture(64, 48, seed=11)
    nothing = {"first_iterations": 0}
    stylizer = Stylizer(SETTINGS.override(first_iterations=0, init="other.png"), network, [STYLE], CPU, init=other)
    (made,) = stylizer.stylize([TrackedFrame(Frame(IMAGE, 0, Fraction(1), 1, 0), None)])
    np.testing.assert_array_equal(made.frame.pixels, other)
    noise, colors = (picture(network, init=kind, **nothing) for kind in ("noise", "style"))
    assert abs(noise.mean() - 127) < 5
    np.testing.assert_allclose(colors.mean((0, 1)), STYLE.mean((0, 1)), atol=6)


def test_the_classic_preset_is_the_classic_recipe():
    gatys = PRESETS["gatys"]
    assert layer_shares(gatys.content_layers) == layer_shares(["block5_conv2"])
    assert layer_shares(gatys.style_layers) == {f"relu{k}_1": 0.2 for k in range(1, 6)}
    assert (gatys.optimizer, gatys.first_iterations, gatys.size, gatys.init) == ("lbfgs", 1000, 512, "content")
    assert (gatys.style_weight, gatys.content_weight, gatys.log_every) == (1e4, 1, 100)


def test_classic_losses_are_plain_mean_squared_errors(network):
    """Content MSE plus style weight times the mean over layers of the MSE of Gram matrices over C·H·W."""
    settings = {"style_loss": "gram", "normalization": "none", "style_weight": 1e4, "tv_weight": 0}
    settings["content_layers"] = ("relu4_2",)
    made = stylized(network, first_iterations=1, seed=0, **settings)
    start = torch.tensor(IMAGE).permute(2, 0, 1)[None] / 255
    grain = 0.01 * torch.randn(start.shape, generator=torch.Generator().manual_seed(0))
    style = pixels.resize(pixels.to_tensor(STYLE), (48, 64)).clamp(0, 1)
    names = list(layer_shares(SETTINGS.style_layers))
    ours, theirs = network(start + grain, names), network(style, names)
    gaps = [((_gram(ours[n]) - _gram(theirs[n])) ** 2).mean() for n in names]
    assert made.losses["style"] == pytest.approx(1e4 * float(torch.stack(gaps).mean()), rel=1e-3)
    errors = network(start + grain, ["relu4_2"])["relu4_2"] - network(start, ["relu4_2"])["relu4_2"]
    assert made.losses["content"] == pytest.approx(float(errors.square().mean()), rel=1e-3)


def _gram(features):
    rows = features[0].flatten(1)
    return rows @ rows.T / rows.numel()


def test_what_a_painting_shows_along_its_edge_is_not_painted():
    """A white margin around it changes nothing of what the style asks for."""
    inner = pixels.to_tensor(media.texture(92, 46, seed=3))
    framed = torch.ones(1, 3, 50, 100)
    framed[..., 2:48, 4:96] = inner
    style = Style.of_painting(framed, 1.5, 1.0, torch.ones(1, 1, 50, 100))
    assert torch.equal(style.image, inner)
    assert style.mask.shape[2:] == inner.shape[2:]
    assert style.scale == pytest.approx(1.5 * 92 / 100)  # its strokes are as large as with the margin


# Memory


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


def test_tiles_see_what_the_whole_picture_shows(network):
    image = torch.rand(1, 3, 150, 260, generator=torch.Generator().manual_seed(0), requires_grad=True)
    names = ["relu1_1", "relu3_1", "relu5_1"]
    whole, tiled = network(image, names), Tiled(network, 96)(image, names)
    for name in names:
        assert tiled[name].shape == whole[name].shape
        torch.testing.assert_close(tiled[name], whole[name], atol=2e-2, rtol=0)
    slopes = [torch.autograd.grad(f["relu5_1"].square().sum(), image)[0].flatten() for f in (tiled, whole)]
    assert torch.cosine_similarity(*slopes, dim=0) > 0.999


def test_a_full_device_is_met_with_smaller_steps_down(network, caplog):
    class Small:
        """A device that holds no more than 300 pixels of width."""

        def __call__(self, image, names):
            if image.shape[3] > 300:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return network(image, names)

    image = np.zeros((16, 512, 3), np.uint8)
    stylizer = Stylizer(SETTINGS.override(first_iterations=1, size=512), network, [STYLE], CPU)
    stylizer._ways = {mode: Tiled(Small(), mode.tile) if mode.tile else Small() for mode in FALLBACKS}
    with caplog.at_level(logging.WARNING, logger="videostyle"), pytest.raises(torch.OutOfMemoryError):
        list(stylizer.stylize([TrackedFrame(Frame(image, 0, Fraction(1), 1, 0), None)]))
    assert [record.getMessage().partition("with ")[2] for record in caplog.records] == [str(r) for r in FALLBACKS[1:]]


# Strength


def apart(one, other):
    return float(np.sqrt(np.square(one.astype(float) - other).mean()))


def test_without_strength_a_frame_is_its_content(network):
    assert apart(picture(network, strength=0), IMAGE) < 0.6


def test_strength_goes_from_the_content_to_the_style_in_even_steps(network):
    found = [apart(picture(network, strength=share), IMAGE) for share in (0, 0.25, 0.5, 0.75, 1)]
    steps = np.diff(found)
    assert np.abs(steps / steps.mean() - 1).max() < 0.8, found


@pytest.mark.parametrize("loss", sorted(STATISTICS.keys() - {"classic"}))
def test_half_the_strength_is_on_the_way_for_every_measure_of_style(network, loss):
    near, full = (apart(picture(network, strength=share, style_loss=loss), IMAGE) for share in (0.3, 1))
    assert 0.05 * full < near < 0.8 * full


def test_where_no_mask_is_white_the_film_shows_and_half_gray_is_half(network):
    mask = np.zeros((48, 64), np.float32)
    mask[:, 32:] = 1
    mask[24:, 32:] = 0.5
    made = picture(network, regions=[mask], content_masks=("mask.png",)).astype(int)
    assert np.array_equal(made[:, :28], IMAGE[:, :28])
    change = np.abs(made - IMAGE).mean(axis=2)
    assert 0.25 < change[28:44, 40:].mean() / change[4:20, 40:].mean() < 0.8
