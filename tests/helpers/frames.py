"""Pictures as frames."""

from fractions import Fraction

from videostyle.frames import Frame


def as_frames(images):
    return [Frame(image, t, Fraction(1, 24), 1, t) for t, image in enumerate(images)]
