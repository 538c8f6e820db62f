"""Finished videos and images, of which a range is made anew."""

import numpy as np
import pytest
from PIL import Image

from tests.helpers import media
from videostyle.errors import UnreadableError
from videostyle.media.existing import ExistingSequence, ExistingVideo, PacketTiming


@pytest.mark.parametrize(
    ("shown", "keys", "wanted", "touched"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3], range(1, 2), range(1, 2)),
        ([0, 1, 2, 3], [0], range(1, 2), range(1, 4)),
        ([0, 3, 1, 2, 4, 5], [0, 4], range(2, 3), range(1, 4)),
        ([0, 3, 1, 2, 4, 5], [0, 4], range(3, 5), range(1, 6)),
        ([0, 3, 1, 2, 5, 4], [0, 5], range(1, 2), range(1, 6)),  # the frame at 4 is shown before the key it follows
    ],
)
def test_as_little_as_can_be_is_touched(shown, keys, wanted, touched):
    packets = tuple(PacketTiming(pts, 1, pts, pts in keys) for pts in shown)
    assert ExistingVideo(None, packets).reencoded_range(wanted) == touched


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_frames_are_read_by_their_indices(tmp_path, suffix):
    path = media.write_clip(tmp_path / f"video{suffix}", media.panning(30), codec="libx264")
    existing = ExistingVideo.open(path)
    assert [tick * existing.clip.time_base for tick in existing.presentation] == media.shown(path)[1]
    assert existing.file(7) == path
    for wanted in (range(0, 2), range(17, 20), range(29, 30), range(4, 4)):
        found, expected = list(existing.read(wanted)), media.shown(path)[0][wanted.start : wanted.stop]
        assert len(found) == len(wanted)
        assert all(media.psnr(a, b) > 35 for a, b in zip(found, expected, strict=True))


def test_a_frame_that_cannot_be_decoded_is_an_error(tmp_path):
    path = media.write_clip(tmp_path / "video.mov", media.panning(6), codec="png", sound=None)
    existing = ExistingVideo.open(path)
    data = bytearray(path.read_bytes())
    at = len(data) // 2
    data[at : at + 900] = bytes(900)
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=r"its frame at 0\.\d+ s is damaged"):
        list(existing.read(range(6)))


def test_images_are_read_by_their_indices_and_depend_on_no_other(tmp_path):
    for number, image in enumerate(media.panning(4), 9):
        Image.fromarray(image).save(tmp_path / f"out.{number}.png")
    existing = ExistingSequence.open(tmp_path / "out.%d.png")
    assert existing.presentation == [0, 1, 2, 3]
    assert existing.file(2) == tmp_path / "out.11.png"
    assert existing.reencoded_range(range(1, 3)) == range(1, 3)
    for found, image in zip(existing.read(range(1, 3)), media.panning(4)[1:3], strict=True):
        np.testing.assert_array_equal(found, image)
