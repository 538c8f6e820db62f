"""When packets are decoded."""

import pytest

from videostyle.media.timestamps import decode_times, reorder_delay


@pytest.mark.parametrize(
    ("shown", "decoded"),
    [
        ([], []),
        ([7], [7]),
        ([0, 1, 2], [0, 1, 2]),
        ([0, 3, 1, 2], [-1, 0, 1, 2]),
        ([0, 4, 2, 1, 3], [-2, -1, 0, 1, 2]),
        ([0, 3, 1, 2, 100, 900, 200, 300], [-1, 0, 1, 2, 3, 100, 200, 300]),
    ],
)
def test_decode_times_rise_and_are_never_late(shown, decoded):
    assert decode_times(shown) == decoded
    assert all(dts <= pts for dts, pts in zip(decoded, shown, strict=True))


@pytest.mark.parametrize(("shown", "delay"), [([], 0), ([5, 6, 7], 0), ([0, 3, 1, 2], 1), ([0, 4, 2, 1, 3], 2)])
def test_the_delay_is_how_far_a_packet_is_moved_ahead(shown, delay):
    assert reorder_delay(shown) == delay


def test_a_longer_delay_can_be_asked_for():
    assert decode_times([0, 1, 2, 3], 2) == [-2, -1, 0, 1]
