"""When packets are decoded, given when they are shown."""

from __future__ import annotations

from collections.abc import Sequence


def reorder_delay(pts: Sequence[int]) -> int:
    """Return how many frames ahead of being shown packets have to be decoded.

    Args:
        pts: Ticks at which the packets are shown, in decoding order.

    """
    ranks = {time: rank for rank, time in enumerate(sorted(pts))}
    return max((number - ranks[time] for number, time in enumerate(pts)), default=0)


def decode_times(pts: Sequence[int], min_delay: int = 0) -> list[int]:
    """Return the ticks at which packets are decoded, in decoding order, as encoders choose them.

    The n-th packet is decoded when the frame is shown that is shown `delay` frames before the n-th. The times rise,
    and none is later than its packet is shown.

    Args:
        pts: Ticks at which the packets are shown, in decoding order.
        min_delay: Frames; the delay is at least this, and at least `reorder_delay`.

    """
    shown = sorted(pts)
    delay = max(min_delay, reorder_delay(pts))
    ahead = [shown[number] - (shown[delay] - shown[0]) for number in range(delay)]
    return ahead + shown[: len(shown) - delay]
