"""The installed command, as a user types it."""

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

import videostyle
from tests.helpers import media
from videostyle.cli.parse import parse_frames, parse_time
from videostyle.media.provenance import read_comment
from videostyle.style.pixels import resize, to_pixels, to_tensor

COMMAND = Path(sys.executable).with_name("videostyle")
FEW = ["--weights", "builtin", "--iterations", "2", "--first-iterations", "6"]


def command(*words, code=0):
    done = subprocess.run([COMMAND, *map(str, words)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def refusal(*words, code=2):
    """The last line of stderr; nothing may have been written on stdout."""
    done = command(*words, code=code)
    assert done.stdout == ""
    return done.stderr.strip().splitlines()[-1]


def test_a_clip_is_styled_with_its_times_and_its_sound(clip, style, tmp_path):
    output = tmp_path / "out.mp4"
    done = command(clip, style, output, *FEW)
    images, times = media.shown(output)
    assert times == media.shown(clip)[1]
    assert [d for _, d in media.sound_packets(output)] == [d for _, d in media.sound_packets(clip)]
    assert media.psnr(images[0], media.panning(6)[0]) < 25
    assert "6 frames in" in done.stdout
    assert str(output) in done.stdout
    assert "s/frame" in done.stderr
    with av.open(str(output)) as container:
        assert '"weights":"builtin-1"' in container.metadata["comment"]
    assert {p.name for p in tmp_path.iterdir()} == {"clip.mkv", "style.png", "out.mp4"}


def test_without_steps_pixels_pass_through(clip, style, tmp_path):
    output = tmp_path / "out.mkv"
    command(clip, style, output, "--iterations", 0, "--first-iterations", 0, "--codec", "ffv1")
    for image, copied in zip(media.panning(6), media.shown(output)[0], strict=True):
        np.testing.assert_array_equal(image, copied)


def test_a_range_of_frames_and_a_preview(clip, style, tmp_path):
    output = tmp_path / "out.mp4"
    command(clip, style, output, *FEW, "--frames", "1:3", "--preview")
    images, times = media.shown(output)
    assert times == [0, Fraction(41, 1000)]  # Matroska counts milliseconds: 42 and 83
    assert images[0].shape == (48, 64, 3)  # worked on at 32x24


def test_a_preview_is_as_large_as_the_film_and_tells_how_that_is_made(clip, style, tmp_path):
    preview, film = tmp_path / "preview.png", tmp_path / "film.png"
    command(clip, style, preview, *FEW, "--frames", 2, "--preview")
    command(clip, style, film, *FEW, "--frames", 2, "--config", preview, "--size", 32)
    with Image.open(preview) as shown, Image.open(film) as worked:
        assert (shown.size, worked.size) == ((64, 48), (32, 24))
        again = resize(to_tensor(np.asarray(worked)), (48, 64))
        np.testing.assert_array_equal(np.asarray(shown), to_pixels(again, np.dtype(np.uint8)))


def test_a_preview_is_not_put_into_a_film_nor_a_range_into_a_preview(clip, style, tmp_path):
    output = tmp_path / "out.mkv"
    command(clip, style, output, *FEW, "--preview")
    assert "it is a preview" in refusal(clip, style, output, *FEW, "--frames", "1:3", "--into")
    assert "--preview makes none" in refusal(clip, style, output, *FEW, "--frames", "1:3", "--into", "--preview")


def test_a_still_is_styled_by_the_same_engine(style, tmp_path):
    cv2.imwrite(str(tmp_path / "photo.jpg"), media.texture(64, 48))
    done = command(tmp_path / "photo.jpg", style, tmp_path / "out.png", *FEW, "--size", 96)
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (96, 72)
    assert "1 frame in" in done.stdout


def test_a_flag_wins_over_the_file_and_the_file_over_the_preset(style, tmp_path):
    cv2.imwrite(str(tmp_path / "photo.png"), media.texture(32, 24))
    config = tmp_path / "my.toml"
    config.write_text('preset = "draft"\nweights = "builtin"\nfirst_iterations = 3\ntv_weight = 0.5\n')
    command(tmp_path / "photo.png", style, tmp_path / "out.png", "--config", config, "--tv-weight", 0.25)
    with Image.open(tmp_path / "out.png") as image:
        made = image.text["Comment"]
    for said in ('"tv_weight":0.25', '"first_iterations":3', '"iterations":6', '"flow":"dis-fast"'):
        assert said in made


def test_the_same_words_give_the_same_bits(clip, style, tmp_path):
    for name in ("a.mkv", "b.mkv"):
        command(clip, style, tmp_path / name, *FEW, "--codec", "ffv1", "--frames", "0:2")
    a, b = (media.shown(tmp_path / name)[0] for name in ("a.mkv", "b.mkv"))
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_an_output_that_exists_needs_a_word(clip, style, tmp_path):
    output = tmp_path / "out.mp4"
    output.write_bytes(b"old")
    assert "--overwrite" in refusal(clip, style, output)
    assert output.read_bytes() == b"old"
    command(clip, style, output, "--overwrite", "--iterations", 0, "--first-iterations", 0, "--quiet")
    assert len(media.shown(output)[0]) == 6


def test_an_input_is_never_overwritten(clip, style, tmp_path):
    (tmp_path / "link.mkv").symlink_to(clip)
    for output in (clip, tmp_path / "link.mkv"):
        assert "input" in refusal(clip, style, output, "--overwrite")
    assert "input" in refusal(clip, style, style, "--overwrite")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{clip}"], "OUTPUT"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--brightness", "3"], "brightness"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--iterations", "many"], "iterations"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--iterations", "-3"], "iterations"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--preset", "grand"], "draft, standard, quality"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--frames", "3:2"], "3:2"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--frames", "3-4"], "A:B"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--start", "soon"], "soon"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--config", "{dir}/none.toml"], "none.toml"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--weights", "{dir}/none.pth", "--size", "32"], "none.pth"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--device", "tpu", "--size", "32"], "tpu"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--style-layers", "relu9_1", "--weights", "builtin"], "relu9_1"),
        (["{dir}/none.mp4", "{style}", "{dir}/out.mp4"], "none.mp4"),
        (["http://127.0.0.1/a.mp4", "{style}", "{dir}/out.mp4"], "address"),
        (["{clip}", "{style}", "{dir}/out.avi", "--size", "32"], ".mkv"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--crf", "99"], "crf"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--codec", "prores"], ".mov"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--pix-fmt", "yuv1"], "yuv420p10le"),
        (["{clip}", "{dir}/none.png", "{dir}/out.mp4"], "none.png"),
        (["{clip}", "{clip}", "{dir}/out.mp4"], "a style is a picture"),
        (["{style}", "{style}", "{dir}/out.png", "--style-mix", "3", "1"], "(3.0, 1.0)"),
        (["{style}", "{style}", "{dir}/out.png", "--style-mix", "0"], "style_mix"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--attention-map", "{style}", "--overwrite"], "input"),
        (["{style}", "{style}", "{style}", "--init", "{style}", "--overwrite"], "input"),
        (["{clip}", "{style}", "{dir}/out.mp4", "--attention-map", "{dir}/map.webp", "--size", "32"], ".png"),
        (["{clip}", "{style}", "{dir}/out.png"], "video"),
        (["{style}", "{clip}", "{dir}/out.mp4"], "style"),
        (["{style}", "{style}", "{dir}/out.mp4"], ".png"),
        (["{clip}", "{style}", "{dir}/none/out.mp4"], "directory"),
        (["{clip}", "{style}", "{dir}/out.webm", "--size", "32", "--codec", "h264"], ".mkv"),
        (["sheet"], "./sheet"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_that_says_what(clip, style, tmp_path, words, said):
    line = refusal(*(word.format(clip=clip, style=style, dir=tmp_path) for word in words))
    assert line.startswith("videostyle: ")
    assert said in line
    assert {p.name for p in tmp_path.iterdir()} == {"clip.mkv", "style.png"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_job_leaves_nothing_behind(clip, style, tmp_path, number, code):
    words = [COMMAND, clip, style, tmp_path / "out.mp4", "--weights", "builtin", "--first-iterations", "5000"]
    running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    job = tmp_path / ".out.mp4.videostyle" / "job.json"
    deadline = time.monotonic() + 240
    try:
        while not job.exists():
            time.sleep(0.1)
            assert time.monotonic() < deadline
        time.sleep(1)
        running.send_signal(number)
        _, said = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == code, said
    assert "Traceback" not in said
    assert {p.name for p in tmp_path.iterdir()} == {"clip.mkv", "style.png"}


def test_version_and_help():
    assert command("--version").stdout.startswith("videostyle 0.")
    verbose = command("--version", "--verbose").stdout
    assert "rule 1" in verbose
    assert "torch" in verbose
    shown = command("--help").stdout
    for name in ("CONTENT", "--frames", "--preview", "--first-iterations", "--temporal-weight", "--weights"):
        assert name in shown


def test_help_does_not_load_torch():
    program = "import sys, videostyle.cli; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, env=dict(os.environ))


def test_the_library_does_what_the_command_does(clip, style, tmp_path):
    told = []
    settings = videostyle.Settings(weights="builtin", iterations=1, first_iterations=2)
    summary = videostyle.stylize_video(clip, style, tmp_path / "out.mp4", settings, on_frame=told.append)
    assert (summary.frames, summary.size, summary.weights) == (6, (64, 48), "builtin-1")
    assert [report.index for report in told] == list(range(6))
    assert "temporal" in told[-1].losses
    with pytest.raises(videostyle.VideostyleError):
        videostyle.stylize_image(style, style, tmp_path / "out.mp4")


def test_the_samples_are_what_their_maker_makes(tmp_path):
    samples = Path(__file__).parents[1] / "samples"
    subprocess.run([sys.executable, samples / "make_samples.py", tmp_path], check=True)
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in samples.iterdir() if p.suffix in (".jpg", ".mp4")}
    made, kept = (media.shown(folder / "clip.mp4")[0] for folder in (tmp_path, samples))
    assert min(media.psnr(a, b) for a, b in zip(made, kept, strict=True)) > 40
    assert len(media.sound_packets(samples / "clip.mp4")) > 50


IDENTITY = ["--iterations", "0", "--first-iterations", "0"]


def test_content_and_result_stand_side_by_side(clip, style, tmp_path):
    command(clip, style, tmp_path / "out.mkv", *FEW, "--codec", "ffv1", "--frames", "0:3", "--side-by-side")
    images, _ = media.shown(tmp_path / "out.mkv")
    assert [image.shape for image in images] == [(48, 128, 3)] * 3
    for image, content in zip(images, media.panning(6), strict=False):
        np.testing.assert_array_equal(image[:, :64], content)
        assert media.psnr(image[:, 64:], content) < 25


@pytest.mark.parametrize(("scale", "told"), [(1, False), (2, True)])
def test_a_style_that_is_too_small_is_told(clip, style, tmp_path, scale, told):
    said = command(clip, style, tmp_path / "out.mkv", *FEW, "--style-scale", scale).stderr
    assert ("style.png is enlarged from 80 to 128 pixels" in said) == told


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.webm"])
def test_a_result_says_how_it_was_made_and_repeats_it(clip, style, tmp_path, name):
    first, second = tmp_path / name, tmp_path / f"again{Path(name).suffix}"
    words = [
        "--seed",
        7,
        "--size",
        48,
        "--tv-weight",
        0.5,
        "--style-layers",
        "relu1_1",
        "--crf",
        30,
        "--flow",
        "dis-fast",
    ]
    command(clip, style, first, *IDENTITY, *words)
    command(clip, style, second, "--config", first)
    a, b = (read_comment(path) for path in (first, second))
    assert a == b
    assert '"seed":7' in a
    assert '"crf":30' in a
    assert media.shown(second)[0][0].shape == (36, 48, 3)
    assert "how it was made" in refusal(clip, style, tmp_path / "c.mp4", "--config", clip)


def test_a_delivery_by_name(clip, style, tmp_path):
    command(clip, style, tmp_path / "out.mov", *IDENTITY, "--delivery", "edit")
    with av.open(str(tmp_path / "out.mov")) as container:
        assert container.streams.video[0].codec_context.name == "prores"
        assert container.streams.video[0].codec_context.pix_fmt == "yuv422p10le"
    assert ".mov" in refusal(clip, style, tmp_path / "out.mp4", *IDENTITY, "--delivery", "edit")


# --- small parts


def test_times_and_ranges_are_read_exactly():
    assert parse_time("00:01:02.5") == Fraction(125, 2)
    assert parse_time("90") == 90
    assert parse_time("1:30.001") == Fraction(90001, 1000)
    assert parse_frames("3:7") == (3, 7)
    assert parse_frames(":7") == (0, 7)
    assert parse_frames("3:") == (3, None)
