"""What frames carry beside their picture, also kinds that PyAV does not know."""

import io
from fractions import Fraction

import av
import pytest
from PIL import Image

from tests.helpers import media
from tests.helpers.jobs import copied
from videostyle.media.sidedata import side_data

EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0;\x01\x02\0\x04\0\0\0me\0\0\0\0\0\0"  # an artist


def photos_as_film(path):
    """A film of JPEGs with EXIF, as cameras make it."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream("mjpeg", rate=24, width=64, height=48, pix_fmt="yuvj420p")
        for k, image in enumerate(media.panning(6)):
            Image.fromarray(image).save(photo := io.BytesIO(), "JPEG", exif=EXIF)
            packet = av.Packet(photo.getvalue())
            packet.pts = packet.dts = k
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 24), stream, True
            target.mux(packet)
    return path


def animation(path):
    images = [Image.fromarray(image) for image in media.panning(6)]
    images[0].save(path, save_all=True, append_images=images[1:], exif=EXIF)
    return path


@pytest.mark.parametrize(("name", "make"), [("in.avi", photos_as_film), ("in.png", animation)])
def test_frames_with_exif_are_read(tmp_path, style, name, make):
    source = make(tmp_path / name)
    with av.open(str(source)) as container:
        assert side_data(next(container.decode(video=0)))
    copied(source, style, tmp_path / "out.mp4")
    assert len(media.shown(tmp_path / "out.mp4")[0]) == 6
