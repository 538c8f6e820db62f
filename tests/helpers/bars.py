"""Color bars, and what is stored of them."""

from __future__ import annotations

import av
import numpy as np

BARS = [(191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191)]
TAGS = {  # H.273 primaries, transfer, matrix, and range
    "BT.709": (1, 1, 1, 1),
    "BT.601": (6, 6, 6, 1),
    "full range": (1, 1, 1, 2),
    "untagged": (2, 2, 2, 0),
    "BT.2020": (9, 14, 9, 1),
    "PQ": (9, 16, 9, 1),
    "HLG": (9, 18, 9, 1),
}


def bars(path, tags, pixel_format="yuv420p", count=3):
    """Color bars, stored by FFmpeg's own conversion, so that ours has a judge."""
    picture = np.repeat(np.uint16(BARS) * 257, 16, axis=0)[None].repeat(64, axis=0)
    matrix = {1: "ITU709", 9: "BT2020"}.get(tags[2], "ITU601")
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=24, width=96, height=64, pix_fmt=pixel_format, options={"crf": "1"})
        context = film.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
        for pts in range(count):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb48le").reformat(
                format=pixel_format, dst_colorspace=matrix, src_color_range=2, dst_color_range=2 if tags[3] == 2 else 1
            )
            frame.pts, frame.colorspace, frame.color_range = pts, tags[2], tags[3]
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
    return path


def stored(path):
    """The first frame, its tags, and its samples in the middle of every bar, in levels of 8 bit."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    kept = 2 if frame.format.name.startswith("yuvj") or frame.color_range == 2 else 1
    samples = frame.reformat(format="yuv444p16le", src_color_range=kept, dst_color_range=kept).to_ndarray()
    tags = frame.color_primaries, frame.color_trc, frame.colorspace, 2 if kept == 2 else frame.color_range
    return frame, tags, samples[32, 8::16].astype(float) / 256
