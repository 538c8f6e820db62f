import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

import videostyle
from tests import media
from tests.pictures import UNTOUCHED
from videostyle.errors import InputError, MediaError, OutputError, SettingError, UnreadableError
from videostyle.frames import Frame, Span, fit
from videostyle.media.audio.soundtrack import plan_tracks
from videostyle.media.encoder import Encoder
from videostyle.media.muxer import check_output
from videostyle.media.probe import probe
from videostyle.media.reader import read_frames
from videostyle.media.video.codecs import DELIVERIES, choose
from videostyle.media.video.color import Colors
from videostyle.media.video.hdr import HdrMetadata, from_display, to_display
from videostyle.media.writer import VideoWriter


def read(path, span=Span(), size=None):
    clip = probe(path)
    return list(read_frames(clip, size or (clip.width, clip.height), span))


def copy(source, output, span=Span(), codec="ffv1"):
    clip = probe(source)
    size = clip.width, clip.height
    with VideoWriter(
        output,
        clip,
        size,
        choose(output, clip.colors.for_video(), codec),
        plan_tracks(source, output, cut=not span.whole),
        from_zero=not span.whole,
        comment="made by a test",
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


def damage(path, places, width=40):
    """Overwrite `width` bytes at shares of the file's length."""
    data = bytearray(path.read_bytes())
    for place in places:
        at = round(len(data) * place)
        data[at : at + width] = bytes(width)
    path.write_bytes(data)


def test_a_mirrored_clip_is_read_as_it_is_shown(tmp_path):
    images = media.panning(1)
    for rotation, mirrored, shown in ((0, True, images[0][:, ::-1]), (180, True, images[0][::-1])):
        path = media.write_clip(
            tmp_path / "m.mp4", images, codec="libx264", sound=None, rotation=rotation, mirrored=mirrored
        )
        assert media.psnr(read(path)[0].pixels, shown) > 30


def test_a_damaged_picture_costs_one_frame_and_is_told_with_its_time(tmp_path, caplog):
    path = media.write_clip(tmp_path / "c.mov", media.panning(8), codec="png", sound=None)
    whole = read(path)
    damage(path, [0.5], width=600)
    frames = read(path)
    assert len(frames) == 7
    assert {frame.seconds for frame in frames} < {frame.seconds for frame in whole}
    assert "lost, at 0.1" in caplog.text


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_file_that_breaks_off_is_used_as_far_as_it_goes(tmp_path, caplog, suffix):
    path = media.write_clip(tmp_path / f"c{suffix}", media.panning(48), codec="libx264", sound="aac", faststart=True)
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * 0.6)])
    frames = read(path)
    assert 10 < len(frames) < 48
    if suffix != ".ts":  # which promises nothing
        assert "breaks off" in caplog.text


def test_a_whole_file_is_not_said_to_break_off(tmp_path, caplog):
    for name, sound in (("a.mkv", "flac"), ("b.mp4", "aac"), ("c.ts", "aac")):
        read(media.write_clip(tmp_path / name, media.panning(24), codec="libx264", sound=sound))
    assert not caplog.text


def test_frames_without_a_time_of_their_own_get_one(tmp_path):
    path = media.write_clip(tmp_path / "raw.h264", media.panning(12), codec="libx264", sound=None)
    frames = read(path)
    assert len(frames) == 12
    assert all(a.seconds < b.seconds for a, b in pairwise(frames))


def test_a_film_of_too_large_frames_is_refused_before_decoding(tmp_path, monkeypatch):
    path = media.write_clip(tmp_path / "c.mp4", media.panning(2), codec="libx264")
    monkeypatch.setattr("videostyle.media.demux.MAX_PIXELS", 1000)
    with pytest.raises(UnreadableError, match="64x48 is more than 1,000 pixels"):
        probe(path)


@pytest.mark.parametrize("start", [Fraction(-3), Fraction(100_000)])
def test_a_clock_that_starts_nowhere_near_zero_starts_at_zero(tmp_path, start):
    base = Fraction(1, 1000)
    pts = [round(start * 1000) + t for t in (0, 40, 81, 200)]
    source = media.write_clip(tmp_path / "c.mkv", media.panning(4), pts=pts, time_base=base, sound=None)
    output = copy(source, tmp_path / "out.mp4", codec="h264")
    assert media.shown(output)[1] == [0, 40 * base, 81 * base, 200 * base]


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
    begins, sound = media.samples(output)
    assert begins == 0
    assert 44100 <= len(sound) < 44100 + 1024  # AAC comes in whole packets; the container says where the last one ends
    with av.open(str(output)) as container:
        assert [s.duration * s.time_base for s in container.streams] == [1, 1]
    errors = [np.std(sound[1000:43000] - media.samples(source)[1][23050 + lag : 65050 + lag]) for lag in (-1, 0, 1)]
    assert errors[1] < min(errors) + 1e-9 < 0.03


@pytest.mark.parametrize(("suffix", "codec"), [(".mkv", "flac"), (".mov", "pcm_s16le"), (".mkv", "pcm_s16le")])
def test_lossless_sound_of_a_range_is_the_source_to_the_sample(tmp_path, suffix, codec):
    source = media.write_clip(tmp_path / f"c{suffix}", media.panning(24), codec="libx264", sound=codec)
    output = copy(source, tmp_path / f"out{suffix}", Span(4, 8), codec="h264")
    begins, sound = media.samples(output)
    begin, end = (media.shown(source)[1][k] for k in (4, 8))
    first, count = round(begin * 44100), round((end - begin) * 44100)
    assert begins == 0
    np.testing.assert_array_equal(sound, media.samples(source)[1][first : first + count])


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


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("name", TAGS)
def test_color_bars_come_out_within_two_levels_and_with_their_tags(tmp_path, name, pixel_format):
    if name in ("PQ", "HLG") and pixel_format == "yuv420p":
        pytest.skip("there is no 8-bit HDR")
    source = bars(tmp_path / "bars.mkv", TAGS[name], pixel_format)
    output = tmp_path / "out.mp4"
    clip = unlimited(probe(source))
    with VideoWriter(output, clip, (96, 64), choose(output, clip.colors.for_video(), "h264"), []) as writer:
        for frame in read_frames(clip, (96, 64), Span()):
            assert frame.pixels.dtype == (np.uint8 if pixel_format == "yuv420p" else np.uint16)
            writer.write(frame)
    (_, tags, before), (frame, kept, after) = stored(source), stored(output)
    assert kept == tags == TAGS[name]
    assert frame.format.components[0].bits == (8 if pixel_format == "yuv420p" else 10)
    error = np.abs(after - before).max()
    print(f"{name}, {pixel_format}: {error:.2f} levels")  # -rP shows it
    assert error <= 2


def unlimited(clip):
    return clip if clip.hdr is None else replace(clip, hdr=clip.hdr.unlimited())


@pytest.mark.parametrize("name", ["BT.709", "BT.601", "full range", "BT.2020"])
def test_colors_are_read_as_another_decoder_reads_them(tmp_path, name):
    source = bars(tmp_path / "bars.mkv", TAGS[name])
    shown = read(source)[0].pixels[32, 8::16].astype(int)
    assert np.abs(shown - BARS).max() <= 4
    assert np.abs(shown - media.shown(source)[0][0][32, 8::16]).max() <= 3


@pytest.mark.parametrize(
    ("codec", "suffix", "deep"),
    [
        ("h264", ".mp4", True),
        ("hevc", ".mp4", True),
        ("hevc", ".mov", True),
        ("av1", ".mp4", True),
        ("av1", ".webm", True),
        ("vp9", ".webm", False),
        ("prores", ".mov", True),
        ("prores4444", ".mov", True),
        ("ffv1", ".mkv", True),
    ],
)
def test_every_codec_keeps_picture_depth_times_and_tags(tmp_path, codec, suffix, deep):
    for name, pixel_format in (("full range", "yuv420p"), ("BT.709", "yuv420p10le")):
        source = bars(tmp_path / f"{name}.mkv", TAGS[name], pixel_format)
        output = copy(source, tmp_path / f"out{suffix}", codec=codec)
        (frame, tags, samples), (_, before, levels) = stored(output), stored(source)
        assert len(media.shown(output)[0]) == 3
        assert tags[:2] == before[:2]
        if codec == "ffv1":
            assert np.abs(media.shown(output)[0][0][32, 8::16].astype(int) - BARS).max() <= 3
        elif tags == before:
            assert np.abs(samples - levels).max() <= 2
        else:
            assert (codec.startswith("prores"), tags[3]) == (True, 1)  # it knows no full range
        if pixel_format == "yuv420p10le":
            assert (frame.format.components[0].bits > 8) == deep


def test_hdr_is_never_made_eight_bit(tmp_path, caplog):
    clip = probe(bars(tmp_path / "pq.mkv", TAGS["PQ"], "yuv420p10le"))
    for words in ({"codec": "vp9"}, {"codec": "hevc", "pix_fmt": "yuv420p"}, {"codec": "auto", "delivery": "web"}):
        suffix = ".webm" if words["codec"] == "vp9" else ".mp4"
        with pytest.raises(OutputError, match="10 bit"):
            choose(tmp_path / f"out{suffix}", clip.colors, **words)


def test_pq_is_shown_as_bright_as_a_display_shows_it_and_comes_back():
    light = HdrMetadata(1000.0)
    codes = np.uint16([[[0, 65535 * 0.5807, 65535 * 0.7518]]])  # 0, 203 and 1000 cd/m²
    np.testing.assert_allclose(to_display(codes, light)[0, 0] / 65535, [0, 0.8, 1], atol=0.001)
    ramp = np.arange(0, 65536, 7, dtype=np.uint16)
    back = from_display(to_display(ramp, light.unlimited()), light.unlimited())
    assert np.abs(back.astype(int) - ramp).max() <= 65535 / 1023 / 2


def test_the_light_of_an_hdr_film_is_written_down_again(tmp_path):
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


def test_a_delivery_for_the_web_has_sound_that_browsers_play(tmp_path):
    source = media.write_clip(tmp_path / "c.mkv", media.panning(3), sound="flac")
    assert plan_tracks(source, tmp_path / "o.mp4")[0].encoder is None
    assert plan_tracks(source, tmp_path / "o.mp4", only=DELIVERIES["web"].audio_codecs)[0].encoder == "aac"


def test_a_delivery_is_a_codec_and_a_quality_that_flags_overrule(tmp_path):
    colors = Colors(1, 1, 1, 1)
    edit = choose(tmp_path / "o.mov", colors, "auto", delivery="edit")
    assert (edit.encoder, edit.pixel_format, edit.options["profile"]) == ("prores_ks", "yuv422p10le", "hq")
    assert choose(tmp_path / "o.mkv", colors, "auto", delivery="master").encoder == "ffv1"
    web = choose(tmp_path / "o.mp4", replace(colors, bits=10), "auto", delivery="web")
    assert (web.encoder, web.pixel_format, web.options["crf"]) == ("libx264", "yuv420p", "20")
    own = choose(tmp_path / "o.mp4", colors, "hevc", crf=30, pix_fmt="yuv444p", delivery="web")
    assert (own.encoder, own.pixel_format, own.options["crf"]) == ("libx265", "yuv444p", "30")
    with pytest.raises(OutputError, match=r"\.mov"):
        choose(tmp_path / "o.mp4", colors, "auto", delivery="edit")
    with pytest.raises(SettingError, match="crf"):
        choose(tmp_path / "o.mov", colors, "prores", crf=3)
    with pytest.raises(SettingError, match="yuv420p10le"):
        choose(tmp_path / "o.mp4", colors, "h264", pix_fmt="yuv999p")


def test_transparency_of_a_film_is_laid_on_white_and_told(tmp_path, caplog):
    path = tmp_path / "clear.mov"
    with av.open(str(path), "w") as container:
        film = container.add_stream("png", rate=24, width=32, height=32, pix_fmt="rgba")
        picture = np.zeros((32, 32, 4), np.uint8)
        picture[:, :16] = (200, 10, 10, 255)
        container.mux(film.encode(av.VideoFrame.from_ndarray(picture, format="rgba")))
    pixels = read(path)[0].pixels
    assert pixels[0, 0].tolist() == [200, 10, 10]
    assert pixels[0, 31].tolist() == [255, 255, 255]
    assert "transparent" in caplog.text


def test_an_interlaced_film_is_deinterlaced_frame_for_frame_and_told(tmp_path, caplog):
    path = tmp_path / "combed.ts"
    images = media.panning(8, step=6)
    with av.open(str(path), "w") as container:
        film = container.add_stream("mpeg2video", rate=25, width=64, height=48, pix_fmt="yuv420p")
        film.codec_context.flags |= av.codec.context.Flags.interlaced_dct
        film.codec_context.bit_rate = 4_000_000
        for k, (one, other) in enumerate(pairwise(images)):
            combed = one.copy()
            combed[1::2] = other[1::2]
            frame = av.VideoFrame.from_ndarray(combed, format="rgb24").reformat(format="yuv420p")
            frame.pts = k
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
    frames = read(path)
    assert [b.seconds - a.seconds for a, b in pairwise(frames)] == [Fraction(1, 25)] * 6
    assert "interlaced" in caplog.text
    combs = [np.abs(np.diff(p.astype(float), axis=0)).mean() for p in (frames[3].pixels, media.shown(path)[0][3])]
    assert combs[0] < combs[1] / 1.5


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


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".webm"])
@pytest.mark.parametrize("span", [Span(), Span(12, 36)])
def test_all_that_goes_with_a_film_goes_with_its_copy(tmp_path, caplog, suffix, span):
    source = media.write_full(tmp_path / "source.mkv")
    output = copy(source, tmp_path / f"out{suffix}", span, codec="vp9" if suffix == ".webm" else "h264")
    begin, end = (0, 2) if span.whole else (0.5, 1.5)
    with av.open(str(output)) as container:
        sounds, said = container.streams.audio, container.streams.audio[1].metadata
        assert [s.metadata["language"] for s in sounds] == ["eng", "ger" if suffix == ".mov" else "deu"]
        assert [s.disposition & av.stream.Disposition.default for s in sounds] == [0, 1]
        assert (said.get("title") or said.get("name")) == "Deutsch"
        assert container.metadata["title"] == "A film"
        parts = [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in container.chapters()]
        assert parts == [(0, 1 - begin), (1 - begin, end - begin)]
        assert [s.data for s in container.streams.attachments] == ([b"12345"] if suffix == ".mkv" else [])
    lines = [(start - round(1000 * begin), length, words) for start, length, words in media.LINES]
    for track in (0, 1):
        assert media.texts(output, track) == [line for line in lines if line[0] + line[1] > 0]
    if span.whole and suffix != ".webm":
        assert [d for _, d in media.sound_packets(output, 1)] == [d for _, d in media.sound_packets(source, 1)]
        assert ("flac audio does not" in caplog.text) == (suffix == ".mov")


def test_the_comment_is_in_the_file(clip, tmp_path):
    with av.open(str(copy(clip, tmp_path / "out.mp4", codec="h264"))) as container:
        assert container.metadata["comment"] == "made by a test"


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_films_shorter_than_an_encoders_lookahead_are_whole(tmp_path, count):
    source = media.write_clip(tmp_path / "c.mp4", media.panning(count), codec="libx264", sound=None)
    for codec in ("hevc", "h264", "av1"):
        for _ in range(4):  # x265's unset memory is not the same each time
            assert media.shown(copy(source, tmp_path / "out.mp4", codec=codec))[1] == media.shown(source)[1]


def test_a_frame_that_is_missing_is_no_film(clip, tmp_path):
    first, _, third, *_ = read(clip)
    encoding = choose(tmp_path / "out.mkv", probe(clip).colors.for_video(), "ffv1")
    with VideoWriter(tmp_path / "out.mkv", probe(clip), (64, 48), encoding, []) as writer:
        writer.write(first)
        with pytest.raises(MediaError, match="frame 2"):
            writer.write(third)


def test_an_error_leaves_the_old_file_and_nothing_else(clip, tmp_path):
    output = tmp_path / "out.mkv"
    output.write_bytes(b"the old film")
    facts = probe(clip)
    before = set(tmp_path.iterdir())
    writer = VideoWriter(output, facts, (64, 48), choose(output, facts.colors.for_video(), "ffv1"), [])
    writer.write(Frame(media.texture(64, 48), 0, facts.time_base, 1, 0))
    struck = RuntimeError("struck")
    writer.__exit__(RuntimeError, struck, None)
    assert output.read_bytes() == b"the old film"
    assert set(tmp_path.iterdir()) == before


def test_an_encoder_that_fails_at_its_last_frames_is_told_as_any_failure(clip, style, tmp_path, monkeypatch):
    def fail(writer):
        raise av.error.ExternalError(1, "struck")

    monkeypatch.setattr(Encoder, "flush", fail)
    with pytest.raises(MediaError, match=r"out\.mkv.*struck"):
        videostyle.stylize_video(clip, style, tmp_path / "out.mkv", UNTOUCHED)
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mkv", "style.png"}


@pytest.mark.parametrize("name", ["out.xyz", "out", "out.webm", "missing/out.mp4"])
def test_where_a_film_cannot_go_is_told_before_the_work(clip, tmp_path, name):
    before = set(tmp_path.iterdir())
    encoding = choose(tmp_path / "o.mp4", probe(clip).colors.for_video(), "h264")
    with pytest.raises(OutputError):
        check_output(tmp_path / name, probe(clip), (64, 48), encoding, [])
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
        "from videostyle.frames import Span; from videostyle.media.probe import probe; clip = probe(Path(sys.argv[1]));"
        "frames = read_frames(clip, (64, 48), Span()); next(frames); frames.close()"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)
