"""What is told of an evaluation."""

import cv2
from PIL import Image

from tests.helpers import media
from tests.helpers.clips import H, W, pan, shifted, soft, still
from videostyle.measure.quality.report import verdict


def test_a_shot_that_melts_is_told_in_a_sentence(measured, tmp_path):
    def blurred(t):
        return cv2.GaussianBlur(media.texture(W, H), (0, 0), 0.1 + 0.8 * t)

    Image.fromarray(media.texture(80, 60, seed=7)).save(tmp_path / "s.png")
    styled = {"styles": (tmp_path / "s.png",), "weights": "builtin", "device": "cpu"}
    found, frames = measured(still(5), [blurred(t) for t in range(5)], **styled)
    assert verdict(found).startswith("output.mkv loses ")
    assert "of its detail by frame 4" in verdict(found)
    assert frames[0].drawing_melt is None or frames[0].drawing_melt == 1
    brighter = shifted(soft(still(5)), lambda t: 2 * t)
    found, frames = measured(still(5), brighter, **styled)
    assert "becomes 8 levels lighter by frame 4" in verdict(found)
    inverted = [255 - image for image in still(5)]
    worse = [
        cv2.addWeighted(a, 1 - 0.2 * t, b, 0.2 * t, 0) for t, (a, b) in enumerate(zip(inverted, pan(5), strict=True))
    ]
    found, frames = measured([255 - image for image in still(5)], inverted, **styled)
    assert verdict(found) == "output.mkv keeps its drawing, style, detail and light."
    found, frames = measured([cv2.GaussianBlur(i, (0, 0), 0.8) for i in inverted], worse, **styled)
    assert frames[4].drawing_melt > 1.2
    assert "of its drawing by frame" in verdict(found)
