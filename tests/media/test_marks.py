"""3D, 360°, captions, Dolby Vision and HDR10+: kept, or told to be left out."""

import logging
import struct
from types import SimpleNamespace

import av
import pytest

from tests.helpers import corpus, media
from tests.helpers.jobs import UNTOUCHED, copied
from videostyle import stylize_video
from videostyle.frames import Span
from videostyle.media.marks import WITHOUT_CAPTIONS, Marks
from videostyle.media.probe import probe
from videostyle.plan.planner import make_plan
from videostyle.plan.request import Request

CAPTIONS = b"\xb5\x00\x31GA94\x03\x41\xff\xfc\x94\x20\xff"  # ITU-T T.35 with one pair of CEA-608


def stereo(path, mode="left_right"):
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=24, width=64, height=48, pix_fmt="yuv420p")
        stream.metadata["stereo_mode"] = mode
        for image in media.panning(12):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        target.mux(stream.encode(None))
    return path


def stereo_mode(path):
    with av.open(str(path)) as container:
        return container.streams.video[0].metadata.get("stereo_mode")


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".mp4", ".mov"])
@pytest.mark.parametrize("mode", ["left_right", "bottom_top", "row_interleaved_rl"])
def test_3d_is_kept_or_told(tmp_path, style, caplog, suffix, mode):
    kept = suffix in (".mkv", ".webm")
    copied(stereo(tmp_path / "in.mkv", mode), style, tmp_path / f"out{suffix}")
    assert stereo_mode(tmp_path / f"out{suffix}") == (mode if kept else None)
    assert len([line for line in caplog.messages if "3D" in line]) == (0 if kept else 1)


def test_an_insert_edit_leaves_3d_and_side_by_side_is_none(tmp_path, style):
    source, output = stereo(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    copied(source, style, output)
    stylize_video(source, style, output, UNTOUCHED, span=Span(2, 4), into=True)
    assert stereo_mode(output) == "left_right"
    copied(source, style, tmp_path / "two.mkv", side_by_side=True)
    assert stereo_mode(tmp_path / "two.mkv") is None


def captioned(path, first=3, frames=12):
    """In MPEG-TS, an SEI message before every picture from the `first` on."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=24, width=64, height=48, pix_fmt="yuv420p")
        sei = b"\0\0\0\1\x06\x04" + bytes([len(CAPTIONS)]) + CAPTIONS + b"\x80"
        images = [*(av.VideoFrame.from_ndarray(image, format="rgb24") for image in media.panning(frames)), None]
        packets = [packet for frame in images for packet in stream.encode(frame)]
        for k, packet in enumerate(packets):
            said = av.Packet((b"" if k < first else sei) + bytes(packet))
            said.pts, said.dts, said.time_base = packet.pts, packet.dts, packet.time_base
            said.stream, said.is_keyframe = stream, packet.is_keyframe
            target.mux(said)
    return path


@pytest.mark.parametrize(("first", "frames"), [(0, 12), (3, 12), (230, 240)])
def test_captions_are_told_once(tmp_path, style, caplog, first, frames):
    captioned(tmp_path / "in.ts", first, frames)
    with caplog.at_level(logging.WARNING):
        copied(tmp_path / "in.ts", style, tmp_path / "out.mp4")
    assert len([line for line in caplog.messages if "captions" in line]) == 1


def test_captions_are_told_before_the_work(tmp_path, style, caplog):
    source = captioned(tmp_path / "in.ts")
    make_plan(Request(content=source, styles=(style,), output=tmp_path / "out.mp4", settings=UNTOUCHED))
    assert WITHOUT_CAPTIONS in caplog.messages


def add_box(path, entry, box):
    """Put a box into the sample entry of an MP4 whose index comes last."""
    data = bytearray(path.read_bytes())
    at = data.index(entry, data.index(b"moov")) - 4
    size = int.from_bytes(data[at : at + 4], "big")
    data[at + size : at + size] = box
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", entry):
        begin = data.index(name, data.index(b"moov")) - 4
        data[begin : begin + 4] = struct.pack(">I", int.from_bytes(data[begin : begin + 4], "big") + len(box))
    path.write_bytes(data)


def dolby(path):
    """A film with the box of Dolby Vision."""
    corpus.film(path, codec="libx265", pixel_format="yuv420p10le")
    assert not probe(path).marks.dolby_vision
    add_box(path, b"hev1", struct.pack(">I4s", 32, b"dvvC") + bytes([1, 0, 16, 0x0D, 0x10]) + bytes(19))
    return path


def test_dolby_vision_is_told(tmp_path, style, caplog):
    source = dolby(tmp_path / "in.mp4")
    copied(source, style, tmp_path / "out.mp4")
    assert [line for line in caplog.messages if "Dolby Vision is left out" in line]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SPHERICAL", ["the mark of 360° is left out; a tool for spherical metadata can set it again"]),
        ("DYNAMIC_HDR_PLUS", ["HDR10+ is left out; the HDR10 below it stays"]),
        ("DOVI_RPU_BUFFER", ["Dolby Vision is left out; the picture below it stays"]),
        ("MASTERING_DISPLAY_METADATA", []),
    ],
)
def test_what_a_frame_carries_is_told(tmp_path, clip, name, said):
    frame = SimpleNamespace(side_data=[Carried(name)])
    with av.open(str(clip)) as container:
        marks = Marks.read(container.streams.video[0], frame)
    assert list(marks.losses(tmp_path / "out.mkv")) == said


class Carried(bytes):
    """Side data as PyAV gives it."""

    def __new__(cls, name):
        data = super().__new__(cls, 8)
        data.type = SimpleNamespace(name=name)
        return data
