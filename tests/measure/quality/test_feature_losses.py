"""Style and content loss."""

import cv2
import pytest

from tests.helpers import media
from tests.helpers.clips import H, W


def test_style_and_content_losses_are_zero_for_themselves(measured, tmp_path):
    style = media.texture(W, H, seed=7)
    cv2.imwrite(str(tmp_path / "style.png"), style[..., ::-1])
    words = {"styles": (tmp_path / "style.png",), "weights": "builtin", "flow": "dis-fast"}
    found, frames = measured([media.texture(W, H)] * 2, [style, media.texture(W, H)], **words)
    assert found.weights == "builtin-1"
    assert frames[0].style_loss == pytest.approx(0, abs=1e-6)
    assert frames[0].content_loss > 0.5
    assert frames[1].content_loss == pytest.approx(0, abs=1e-6)
    assert frames[1].style_loss == pytest.approx(frames[1].style_loss_content)
    assert frames[1].style_loss > 0.01
