"""What a frame starts from, and what its steps do."""

import logging
from fractions import Fraction

import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.look import CPU, IMAGE, SETTINGS, STYLE, picture, stylized
from videostyle.frames import Frame, TrackedFrame
from videostyle.style.stylizer import Stylizer


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
