"""PQ video, as a display shows it and back."""

import av
import numpy as np
import pytest

from tests.helpers.copies import copy
from videostyle.media.probe import probe
from videostyle.media.video.hdr import HdrMetadata, from_display, to_display


def test_pq_is_shown_as_bright_as_a_display_shows_it_and_comes_back():
    light = HdrMetadata(1000.0)
    codes = np.uint16([[[0, 65535 * 0.5807, 65535 * 0.7518]]])  # 0, 203 and 1000 cd/m²
    np.testing.assert_allclose(to_display(codes, light)[0, 0] / 65535, [0, 0.8, 1], atol=0.001)
    ramp = np.arange(0, 65536, 7, dtype=np.uint16)
    back = from_display(to_display(ramp, light.unlimited()), light.unlimited())
    assert np.abs(back.astype(int) - ramp).max() <= 65535 / 1023 / 2


def test_the_light_of_an_hdr_video_is_written_down_again(tmp_path):
    source = tmp_path / "hdr.mkv"
    said = "hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,50):max-cll=900,80"
    with av.open(str(source), "w") as container:
        options = {"x265-params": f"log-level=error:{said}"}
        film = container.add_stream("libx265", rate=24, width=64, height=48, pix_fmt="yuv420p10le", options=options)
        film.codec_context.color_trc, film.codec_context.color_primaries, film.codec_context.colorspace = 16, 9, 9
        frame = av.VideoFrame(64, 48, "yuv420p10le")
        for plane in frame.planes:
            plane.update((np.zeros(plane.buffer_size // 2, np.uint16) + 512).tobytes())
        frame.pts = 0
        container.mux(film.encode(frame))
        container.mux(film.encode(None))
    light = probe(source).hdr
    assert (light.peak, light.content, light.mastering[-2:]) == (4000, (900, 80), (0.005, 4000))
    for codec in ("h264", "hevc", "av1"):
        copied = probe(copy(source, tmp_path / f"{codec}.mp4", codec=codec)).hdr
        assert copied.content == light.content
        assert copied.mastering == pytest.approx(light.mastering, rel=1e-3)
