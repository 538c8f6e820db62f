"""The engine on small frames, with the real built-in weights."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch

from tests.helpers import media
from videostyle.errors import DivergedError
from videostyle.frames import Frame, Motion, Reference, TrackedFrame, fit
from videostyle.measure.speed.step import BLANK, blank_network
from videostyle.motion.follow import follow_motion, with_forward_motion
from videostyle.settings import Settings
from videostyle.style import pixels
from videostyle.style.objective import losses
from videostyle.style.objective.look import Style
from videostyle.style.optimize.schedule import fresh_levels, fresh_work
from videostyle.style.stylizer import Stylizer

SETTINGS = Settings(first_iterations=20, iterations=4, flow="dis-fine")
STYLE = media.texture(80, 60, seed=7)[..., ::-1].copy()


def frames(images):
    return [Frame(image, t, Fraction(1, 24), 1, t) for t, image in enumerate(images)]


def run(network, images, settings=SETTINGS, styles=(STYLE,)):
    stylizer = Stylizer(settings, network, list(styles), torch.device("cpu"))
    steps = follow_motion(frames(images), settings.flow)
    return list(stylizer.stylize(with_forward_motion(steps, settings.flow) if settings.passes > 1 else steps))


def style_distance(network, image, style):
    layers = ["relu1_1", "relu2_1", "relu3_1"]
    ours, theirs = (network(pixels.to_tensor(p), layers) for p in (image, style))
    return sum(
        float(losses.relative_error(losses.channel_moments(ours[n])[1], losses.channel_moments(theirs[n])[1]))
        for n in layers
    )


def test_a_frame_takes_on_the_style_and_stays_recognizable(network):
    image = media.texture(64, 48)
    (made,) = run(network, [image])
    assert style_distance(network, made.frame.pixels, STYLE) < 0.3 * style_distance(network, image, STYLE)
    assert set(made.losses) == {"content", "style", "tv", "range"}
    gray = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).ravel() for p in (image, made.frame.pixels)]
    assert np.corrcoef(*gray)[0, 1] > 0.3


def test_more_style_weight_is_nearer_to_the_style(network):
    image = media.texture(64, 48)
    near, far = (
        style_distance(network, run(network, [image], SETTINGS.override(style_weight=w))[0].frame.pixels, STYLE)
        for w in (50, 0.05)
    )
    assert near < 0.5 * far


def test_the_same_settings_give_the_same_bits(network):
    once, again = (run(network, media.panning(3)) for _ in range(2))
    assert all(np.array_equal(a.frame.pixels, b.frame.pixels) for a, b in zip(once, again, strict=True))


@pytest.mark.parametrize("passes", [1, 2])
def test_shots_on_either_side_of_a_cut_are_as_if_alone(network, passes):
    settings = SETTINGS.override(passes=passes, first_iterations=8)
    first, second = media.panning(5, seed=1), [255 - image for image in media.panning(4, seed=9)]
    whole, one, other = (run(network, images, settings) for images in (first + second, first, second))
    for a, b in zip(whole, one + other, strict=True):
        assert np.array_equal(a.frame.pixels, b.frame.pixels)


def moving_error(made):
    """Mean change along the known motion of `media.panning`, two pixels a frame."""
    pairs = pairwise(made)
    return np.mean([np.abs(b.frame.pixels[:, :-8].astype(int) - a.frame.pixels[:, 2:-6]).mean() for a, b in pairs])


def test_a_pan_is_steadier_than_frames_on_their_own(network):
    images = media.panning(4)
    stylizer = Stylizer(SETTINGS, network, [STYLE], torch.device("cpu"))
    alone = list(stylizer.stylize(TrackedFrame(frame, None) for frame in frames(images)))
    assert moving_error(run(network, images)) < 0.5 * moving_error(alone)


def test_going_over_frames_again_makes_them_steadier_at_no_cost_in_style(network):
    images = media.panning(5)
    once, again = (run(network, images, SETTINGS.override(passes=p)) for p in (1, 3))
    assert moving_error(again) < 0.9 * moving_error(once)
    off = [np.mean([style_distance(network, m.frame.pixels, STYLE) for m in made]) for made in (once, again)]
    assert off[1] < 1.05 * off[0]


def test_a_pass_that_goes_back_brings_the_end_to_the_beginning(network):
    images = media.panning(3)
    once, back = (run(network, images, SETTINGS.override(passes=p))[0].frame.pixels for p in (1, 2))
    assert not np.array_equal(once, back)


def test_a_still_clip_does_not_drift(network):
    made = run(network, [media.texture(64, 48)] * 8)
    means = [m.frame.pixels.mean() for m in made]
    assert abs(means[-1] - means[0]) < 0.5


def test_two_hundred_frozen_frames_do_not_drift(network):
    layers = {"style_layers": ("relu1_1", "relu2_1", "relu3_1"), "content_layers": ("relu3_1",)}  # for speed
    settings = SETTINGS.override(first_iterations=60, iterations=3, scales=(1.0,), flow="dis-ultrafast", **layers)
    means = [m.frame.pixels.mean() for m in run(network, [media.texture(32, 32)] * 200, settings)]
    assert max(abs(mean - means[0]) for mean in means) < 0.5


def test_a_flash_does_not_begin_a_new_look(network):
    images = media.panning(7)
    images[5] = np.full_like(images[5], 255)
    made, (fresh,) = run(network, images), run(network, images[6:7])
    moved = made[4].frame.pixels[:, 4:-16].astype(int)
    again, anew = (np.abs(m.frame.pixels[:, :-20] - moved).mean() for m in (made[6], fresh))
    assert again < 0.6 * anew


@pytest.mark.parametrize("size", [(16, 8), (9, 30), (96, 10)])
def test_the_smallest_pictures_are_styled_too(network, size):
    (made, then) = run(network, [media.texture(*size), media.texture(*size)])
    assert made.frame.pixels.shape == then.frame.pixels.shape == (size[1], size[0], 3)


def test_no_trust_means_no_temporal_pull(network):
    first, second = frames([media.texture(64, 48), media.texture(64, 48, seed=3)])
    flow = np.zeros((48, 64, 2), np.float32)

    def last(weight, trust):
        motion = Motion(flow, np.full((48, 64), trust, np.float32))
        stylizer = Stylizer(SETTINGS.override(temporal_weight=weight), network, [STYLE], torch.device("cpu"))
        return list(stylizer.stylize([TrackedFrame(first, None), TrackedFrame(second, motion)]))[-1]

    free, held = last(0, 1.0), last(1e6, 1.0)
    np.testing.assert_allclose(last(0, 0.0).frame.pixels.astype(int), last(1e6, 0.0).frame.pixels, atol=1)
    assert not np.array_equal(free.frame.pixels, held.frame.pixels)


def test_no_step_anywhere_is_the_picture_itself(network):
    settings = SETTINGS.override(first_iterations=0, iterations=0)
    (made,) = run(network, [media.texture(64, 48)], settings)
    np.testing.assert_array_equal(made.frame.pixels, media.texture(64, 48))


def test_several_styles_count_as_one(network):
    other = media.texture(80, 60, seed=8)
    settings = SETTINGS.override(first_iterations=6)
    image = media.texture(64, 48)
    both, twice, one = (
        run(network, [image], settings, s)[0].frame.pixels for s in ((STYLE, other), (STYLE, STYLE), (STYLE,))
    )
    np.testing.assert_allclose(twice.astype(int), one, atol=1)
    assert not np.array_equal(both, one)


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "adam"},
        {"style_loss": "gram"},
        {"style_scale": (0.5,)},
        {"content_weight": 30},
        {"tv_weight": 5},
        {"content_layers": ("relu3_1",)},
        {"style_layers": ("relu1_1",)},
        {"temporal_weight": 0},
        {"seed": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_changes_the_picture(network, change):
    images = media.panning(2)
    usual, changed = (run(network, images, s)[-1].frame.pixels for s in (SETTINGS, SETTINGS.override(**change)))
    assert not np.array_equal(usual, changed)


def test_a_loss_that_is_not_finite_is_told_with_its_frame(network):
    with pytest.raises(DivergedError, match="frame 0"):
        _diverge(network)


def _diverge(network):
    broken = Stylizer(SETTINGS, network, [STYLE], torch.device("cpu"))
    broken._styles = [Style(torch.full((1, 3, 8, 8), torch.nan), 1.0, 1.0)]
    return [made.frame for made in broken.stylize([TrackedFrame(frames([media.texture(64, 48)])[0], None)])]


def test_the_same_numbers_give_the_same_look_at_twice_the_size(network):
    small, large = (
        run(network, [cv2.resize(media.texture(192, 128), size, interpolation=cv2.INTER_AREA)])[0].frame.pixels
        for size in ((96, 64), (192, 128))
    )
    shrunk = cv2.resize(large, (96, 64), interpolation=cv2.INTER_AREA)
    a, b = (cv2.GaussianBlur(p.astype(np.float32), (0, 0), 2).ravel() for p in (small, shrunk))
    assert np.corrcoef(a, b)[0, 1] > 0.9


def test_work_is_what_the_steps_cost(network):
    told = []
    image = media.texture(*fit(128, 96, 128))
    stylizer = Stylizer(SETTINGS, network, [STYLE], torch.device("cpu"), told.append)
    list(stylizer.stylize([TrackedFrame(frames([image])[0], None)]))
    assert sum(told) == pytest.approx(fresh_work(SETTINGS, 128))
    assert sum(level.iterations for level in fresh_levels(SETTINGS, 128)) == SETTINGS.first_iterations


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_survive_the_way_to_a_tensor_and_back(dtype):
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (5, 7, 3), endpoint=True).astype(dtype)
    np.testing.assert_array_equal(pixels.to_pixels(pixels.to_tensor(image), np.dtype(dtype)), image)


def test_resizing_is_pillows_lanczos():
    from PIL import Image

    image = media.texture(60, 40)
    theirs = np.asarray(Image.fromarray(image).resize((33, 21), Image.Resampling.LANCZOS))
    ours = pixels.to_pixels(pixels.resize(pixels.to_tensor(image), (21, 33)), np.dtype(np.uint8))
    assert np.abs(ours.astype(int) - theirs).max() <= 2


@pytest.mark.gpu
def test_a_gpu_gives_the_same_picture(network):
    from videostyle.style.features import weights
    from videostyle.style.features.vgg import VGG19

    built = weights.load("builtin", ["relu5_1"])
    device = torch.device("cuda")
    on_gpu = Stylizer(SETTINGS, VGG19(built.tensors, built.pooling, device), [STYLE], device)
    image = media.texture(64, 48)
    (made,) = on_gpu.stylize([TrackedFrame(frames([image])[0], None)])
    assert media.psnr(made.frame.pixels, run(network, [image])[0].frame.pixels) > 25


def test_a_known_setup_starts_from_the_look_it_had(network):
    one, other = media.panning(4, seed=1), [255 - image for image in media.panning(4, seed=9)]
    made = run(network, [*one, *other, one[-1]])
    again = made[8].frame.pixels.astype(int)
    fresh = run(network, [one[-1]])[0].frame.pixels
    assert np.abs(again - made[3].frame.pixels).mean() < 0.5 * np.abs(again - fresh).mean()


def test_what_was_hidden_comes_back_as_it_looked(network):
    """Beside the same clip without older frames to recall."""
    ground = media.texture(96, 64, seed=1)
    images = []
    for t in range(15):
        picture, bar = ground.copy(), media.texture(20, 64, seed=2)
        left, right = max(0, 8 * t - 36), max(0, min(96, 8 * t - 16))
        picture[:, left:right] = bar[:, -(right - left) :] if right > left else picture[:, left:right]
        images.append(picture)
    steps = list(follow_motion(frames(images), "dis-fine"))
    forgetful = [replace(step, references=(), retained=()) for step in steps]
    change = []
    for told in (steps, forgetful):
        made = list(Stylizer(SETTINGS, network, [STYLE], torch.device("cpu")).stylize(told))
        before, after = (made[k].frame.pixels[8:-8, 34:48].astype(int) for k in (3, 14))
        change.append(np.abs(after - before).mean())
    assert change[0] < 0.7 * change[1]


def test_a_frame_that_stands_still_costs_less(network):
    told = {}
    for name, images in (("still", [media.texture(64, 48)] * 3), ("moving", media.panning(3))):
        work = []
        stylizer = Stylizer(SETTINGS.override(iterations=9), network, [STYLE], torch.device("cpu"), work.append)
        list(stylizer.stylize(follow_motion(frames(images), "dis-fine")))
        told[name] = sum(work)
    assert told["still"] <= told["moving"] - 2 * 6


def test_a_fade_to_black_ends_black_and_keeps_its_look_on_the_way(network):
    scene, light = media.panning(6), [1, 1, 0.7, 0.3, 0.1, 0]
    fading = run(network, [media.relit(image, to_black=d) for image, d in zip(scene, light, strict=True)])
    means = [made.frame.pixels.mean() for made in fading]
    assert means[5] == 0
    assert means[2] > 0.9 * means[0]
    assert means[2] > means[3] > means[4] > 1
    seen = fading[4].frame.pixels / means[4]
    kept = run(network, scene[:5])[4].frame.pixels
    assert np.corrcoef(seen.ravel(), kept.ravel())[0, 1] > 0.8


def test_after_a_flash_the_look_is_the_one_before(network):
    """On average of some scenes: where the strokes of one fall hangs on a few places."""
    shares = []
    for seed in (1, 2, 5):
        scene = media.panning(6, seed=seed)
        flashing = [media.relit(image, to_white=0.15 if t == 3 else 1) for t, image in enumerate(scene)]
        usual, flashed = ([m.frame.pixels.astype(int) for m in run(network, images)] for images in (scene, flashing))
        fresh = run(network, scene[5:])[0].frame.pixels
        assert flashed[3].mean() > usual[3].mean() + 30
        shares.append(np.abs(flashed[5] - usual[5]).mean() / np.abs(fresh - usual[5]).mean())
    assert np.mean(shares) < 0.45


def test_no_frame_asks_the_device_for_a_value():
    """Tensors without values refuse to tell them, so that whatever would wait for a GPU fails here."""
    stylizer = Stylizer(SETTINGS, blank_network(), [STYLE], BLANK)
    steps = list(follow_motion(frames(media.panning(3, seed=1)), SETTINGS.flow))
    moved = replace(steps[2], references=(Reference(0, steps[2].motion),))
    assert len(list(stylizer.stylize([*steps[:2], moved]))) == 3
