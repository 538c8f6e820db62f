import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from tests import media
from videostyle.errors import InputError, OutputError, UnreadableError
from videostyle.frames import Frame, fit
from videostyle.media.reader import read_frames
from videostyle.media.sound import plan_tracks
from videostyle.media.source import Span, probe
from videostyle.media.writer import VideoWriter, check_output


def read(path, span=Span(), size=None):
    clip = probe(path)
    return list(read_frames(clip, size or (clip.width, clip.height), span))


def copy(source, output, span=Span(), codec="ffv1"):
    clip = probe(source)
    size = clip.width, clip.height
    with VideoWriter(
        output, clip, size, codec, plan_tracks(source, output), from_zero=not span.whole, comment="made by a test"
    ) as writer:
        for frame in read_frames(clip, size, span):
            writer.write(frame)
    return output


# --- reading


def test_every_frame_comes_as_it_was_put_in(clip):
    frames = read(clip)
    for frame, image in zip(frames, media.panning(6), strict=True):
        np.testing.assert_array_equal(frame.pixels, image)
    assert [frame.seconds for frame in frames] == media.shown(clip)[1]


def test_frames_that_the_decoder_holds_back_are_not_lost(tmp_path):
    path = media.write_clip(tmp_path / "b.mp4", media.panning(17), codec="libx264", sound=None)
    assert len(read(path)) == 17


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_clip_is_read_upright(tmp_path, rotation):
    images = media.panning(2)
    path = media.write_clip(tmp_path / "turned.mp4", images, codec="libx264", sound=None, rotation=rotation)
    clip = probe(path)
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0))
        turns = round(stored.rotation / 90) % 4
    assert turns
    assert (clip.width, clip.height) == ((48, 64) if turns % 2 else (64, 48))
    assert media.psnr(read(path)[0].pixels, np.rot90(images[0], turns)) > 30


@pytest.mark.parametrize(
    ("span", "indices"),
    [
        (Span(2, 4), [2, 3]),
        (Span(4), [4, 5]),
        (Span(0, 99), [0, 1, 2, 3, 4, 5]),
        (Span(start=Fraction(1, 12)), [2, 3, 4, 5]),
        (Span(start=Fraction(1, 12), end=Fraction(4, 24)), [2, 3]),
    ],
)
def test_a_span_holds_its_first_and_not_its_last_frame(tmp_path, span, indices):
    path = media.write_clip(tmp_path / "c.mp4", media.panning(6), codec="libx264")
    assert [frame.index for frame in read(path, span)] == indices


def test_a_span_without_a_frame_is_refused(clip):
    with pytest.raises(InputError, match="about 6"):
        read(clip, Span(start=Fraction(99)))
    with pytest.raises(InputError, match="no frame"):
        Span(5, 5)


def test_cover_art_is_not_the_film(tmp_path):
    film = media.write_clip(tmp_path / "film.mp4", media.panning(3), codec="libx264")
    path = tmp_path / "covered.mp4"
    with av.open(str(film)) as source, av.open(str(path), "w") as container:
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream_from_template(source.streams.video[0])
        container.mux(cover.encode(av.VideoFrame.from_ndarray(media.texture(32, 32))))
        container.mux(cover.encode(None))
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    assert (probe(path).width, probe(path).height) == (64, 48)


@pytest.mark.parametrize("content", [b"", b"no film at all", b"#EXTM3U\nhttp://127.0.0.1/x.ts\n", bytes(4096)])
def test_what_is_no_film_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=r"film\.mp4") as caught:
        probe(path)
    assert "\n" not in str(caught.value)


def test_a_film_whose_end_is_missing_is_refused_with_the_likely_reason(tmp_path):
    whole = media.write_clip(tmp_path / "whole.mp4", media.panning(6), codec="libx264")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(UnreadableError, match="not finished"):
        probe(cut)


def test_sound_alone_is_no_film(tmp_path):
    path = tmp_path / "song.mka"
    with av.open(str(path), "w") as container:
        media.write_tone(container, container.add_stream("flac", rate=44100, layout="mono"), 0.2)
    with pytest.raises(UnreadableError, match="no video stream"):
        probe(path)


# --- writing


def test_a_lossless_copy_has_the_same_pixels_times_and_sound(clip, tmp_path):
    output = copy(clip, tmp_path / "out.mkv")
    (images, times), (copied, copied_times) = media.shown(clip), media.shown(output)
    assert times == copied_times
    assert all(np.array_equal(a, b) for a, b in zip(images, copied, strict=True))
    assert media.sound_packets(clip) == media.sound_packets(output)


def test_a_variable_frame_rate_comes_out_as_it_went_in(tmp_path):
    pts = [0, 1, 2, 40, 41, 500, 501, 1003]
    base = Fraction(1, 1000)
    source = media.write_clip(
        tmp_path / "vfr.mkv", media.panning(8), pts=pts, time_base=base, codec="libx264", sound=None
    )
    output = copy(source, tmp_path / "out.mp4", codec="h264")
    assert media.shown(output)[1] == [t * base for t in pts]


def test_ntsc_times_are_exact_in_mp4(tmp_path):
    base = Fraction(1001, 30000)
    source = media.write_clip(
        tmp_path / "ntsc.mp4", media.panning(9), pts=range(9), time_base=base, codec="libx264", sound="aac"
    )
    output = copy(source, tmp_path / "out.mp4", codec="h264")
    assert media.shown(output)[1] == [t * base for t in range(9)]
    assert media.sound_packets(output) == media.sound_packets(source)


def test_a_late_start_stays_late(tmp_path):
    source = media.write_clip(
        tmp_path / "late.mkv", media.panning(4), pts=[33, 66, 100, 133], time_base=Fraction(1, 1000), sound=None
    )
    output = copy(source, tmp_path / "out.mkv")
    assert media.shown(output)[1] == media.shown(source)[1]


def test_a_range_starts_at_zero_with_its_own_sound(tmp_path):
    source = media.write_clip(tmp_path / "c.mp4", media.panning(48), codec="libx264", sound="aac")
    output = copy(source, tmp_path / "out.mp4", Span(12, 36), codec="h264")
    images, times = media.shown(output)
    assert times == [Fraction(t, 24) for t in range(24)]
    assert media.psnr(images[0], media.shown(source)[0][12]) > 32
    kept = media.sound_packets(output)
    packet = Fraction(1024, 44100)
    assert 0 <= kept[0][0] < packet
    assert 1 - packet <= kept[-1][0] + packet <= 1 + packet
    first = next(k for k, (_, data) in enumerate(media.sound_packets(source)) if data == kept[0][1])
    for (before, data), (after, copied) in zip(media.sound_packets(source)[first:], kept, strict=False):
        assert copied == data
        assert abs(before - Fraction(1, 2) - after) < Fraction(1, 10_000)


def test_sound_that_the_container_refuses_becomes_aac(tmp_path, caplog):
    source = media.write_clip(tmp_path / "c.mkv", media.panning(24), sound="tta")
    output = copy(source, tmp_path / "out.mp4", codec="h264")
    assert "AAC" in caplog.text
    with av.open(str(output)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        seconds = sum(f.samples for f in container.decode(audio=0)) / 44100
    assert abs(seconds - 1) < 0.06


def test_the_source_may_be_silent(tmp_path):
    source = media.write_clip(tmp_path / "c.mkv", media.panning(3), sound=None)
    assert plan_tracks(source, tmp_path / "out.mp4") == []
    copy(source, tmp_path / "out.mp4", codec="h264")
    assert len(media.shown(tmp_path / "out.mp4")[0]) == 3


@pytest.mark.parametrize("tags", [1, 6, None])
def test_color_survives_with_its_tags(tmp_path, tags):
    bars = np.zeros((48, 64, 3), np.uint8)
    for k, color in enumerate([(200, 30, 30), (30, 180, 40), (40, 60, 200), (200, 200, 40)]):
        bars[:, 16 * k : 16 * k + 16] = color
    source = media.write_clip(tmp_path / "bars.mkv", [bars] * 2, codec="libx264", sound=None, tags=tags)
    output = copy(source, tmp_path / "out.mp4", codec="h264")
    before, after = (next(av.open(str(p)).decode(video=0)) for p in (source, output))
    assert (after.colorspace, after.color_range) == (before.colorspace, before.color_range)
    assert (after.color_primaries, after.color_trc) == (before.color_primaries, before.color_trc)
    inside = np.s_[8:-8, [8, 24, 40, 56]]
    difference = before.to_ndarray(format="rgb24")[inside].astype(int) - after.to_ndarray(format="rgb24")[inside]
    assert np.abs(difference).max() <= 5


def test_an_rgb_source_is_encoded_as_bt709_and_says_so(clip, tmp_path):
    output = copy(clip, tmp_path / "out.mp4", codec="h264")
    with av.open(str(output)) as container:
        picture = next(container.decode(video=0))
    assert (picture.colorspace, picture.color_primaries, picture.color_trc, picture.color_range) == (1, 1, 1, 1)
    assert media.psnr(picture.to_ndarray(format="rgb24"), media.panning(6)[0]) > 30


def test_odd_sides_are_made_even_without_scaling(tmp_path):
    source = media.write_clip(tmp_path / "odd.mkv", media.panning(2, 33, 31), sound=None)
    images, _ = media.shown(copy(source, tmp_path / "out.mp4", codec="h264"))
    assert images[0].shape == (32, 34, 3)
    assert media.psnr(images[0][:31, :33], media.panning(2, 33, 31)[0]) > 28
    assert media.shown(copy(source, tmp_path / "out.mkv"))[0][0].shape == (31, 33, 3)


def test_the_comment_is_in_the_file(clip, tmp_path):
    with av.open(str(copy(clip, tmp_path / "out.mp4", codec="h264"))) as container:
        assert container.metadata["comment"] == "made by a test"


def test_an_error_leaves_the_old_file_and_nothing_else(clip, tmp_path):
    output = tmp_path / "out.mkv"
    output.write_bytes(b"the old film")
    facts = probe(clip)
    before = set(tmp_path.iterdir())
    writer = VideoWriter(output, facts, (64, 48), "ffv1", [])
    writer.write(Frame(media.texture(64, 48), 0, facts.time_base, 1, 0))
    struck = RuntimeError("struck")
    writer.__exit__(RuntimeError, struck, None)
    assert output.read_bytes() == b"the old film"
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["out.xyz", "out", "out.webm", "missing/out.mp4"])
def test_where_a_film_cannot_go_is_told_before_the_work(clip, tmp_path, name):
    before = set(tmp_path.iterdir())
    with pytest.raises(OutputError):
        check_output(tmp_path / name, probe(clip), (64, 48), "h264", [])
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [((640, 360), 256, (256, 144)), ((1024, 750), 256, (256, 188)), ((33, 31), 33, (33, 31)), ((4000, 2), 64, (64, 2))],
)
def test_sizes_keep_their_shape_and_are_even_when_scaled(size, longest, expected):
    assert fit(*size, longest) == expected


def test_reading_does_not_hang_beside_torchvision(tmp_path):
    """Frame threads, an early stop and torchvision together can hang at exit."""
    path = media.write_clip(tmp_path / "b.mp4", media.panning(40), codec="libx264", sound=None)
    program = (
        "import torchvision, sys; from pathlib import Path; from videostyle.media.reader import read_frames;"
        "from videostyle.media.source import Span, probe; clip = probe(Path(sys.argv[1]));"
        "frames = read_frames(clip, (64, 48), Span()); next(frames); frames.close()"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)
