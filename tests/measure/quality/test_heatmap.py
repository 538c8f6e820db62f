"""Where it flickers, as a picture."""

import numpy as np

from videostyle.frames import Motion
from videostyle.measure.quality.compare import Comparison
from videostyle.measure.quality.heatmap import DOUBT, heat


def test_the_heatmap_is_red_where_it_flickers_and_blue_where_nothing_is_known():
    output = np.full((8, 8, 3), 100, np.uint8)
    apart, mask = np.zeros((8, 8, 3), np.float32), np.ones((8, 8), np.float32)
    apart[:2], mask[6:] = 0.1, 0
    shown = heat(output, Comparison(Motion(np.zeros((8, 8, 2), np.float32), mask), apart, apart)).astype(int)
    assert shown[0, 0].argmax() == 0
    assert shown[0, 0, 0] > 150
    assert np.ptp(shown[4, 4]) == 0
    assert shown[7, 7].argmax() == DOUBT.argmax() == 2
    assert (heat(output, None).argmax(-1) == 2).all()
