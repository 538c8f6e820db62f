"""Frames, spans and sizes."""

from fractions import Fraction

import pytest

from videostyle.errors import InputError
from videostyle.frames import Span, fit


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [((640, 360), 256, (256, 144)), ((1024, 750), 256, (256, 188)), ((33, 31), 33, (33, 31)), ((4000, 2), 64, (64, 2))],
)
def test_sizes_keep_their_shape_and_are_even_when_scaled(size, longest, expected):
    assert fit(*size, longest) == expected


def test_a_span_is_half_open_in_indices_and_in_seconds():
    times = [Fraction(n, 10) for n in range(10)]
    assert Span().indices(times) == list(range(10))
    assert Span(2, 5).indices(times) == [2, 3, 4]
    assert Span(8, 99).indices(times) == [8, 9]
    assert Span(start=Fraction(1, 4), end=Fraction(1, 2)).indices(times) == [3, 4]
    assert Span(4, start=Fraction(1, 10), end=Fraction(7, 10)).indices(times) == [4, 5, 6]
    assert Span(0, 2).ended(2, Fraction(0))
    assert not Span(0, 2).ended(1, Fraction(99))
    assert (Span().whole, Span(0, 1).whole) == (True, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"first": 5, "last": 5}, "5:5 holds no frame"),
        ({"first": -1}, "holds no frame"),
        ({"start": Fraction(2), "end": Fraction(2)}, "--end must lie after --start"),
    ],
)
def test_a_span_without_a_frame_is_refused(words, said):
    with pytest.raises(InputError, match=said):
        Span(**words)
