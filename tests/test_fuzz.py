"""Whatever a file or a word holds: our own kind of error or a result, never another one, and no memory blow-up.

The few examples of a normal run are always the same; `pytest -m fuzz` takes thousands, and others each time.
"""

import json
import resource
import struct
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import IFD, Base
from safetensors.torch import save

import videostyle
from tests.helpers import corpus, media
from tests.helpers.jobs import PLAIN, StopError, packets, render
from videostyle.cli.parse import make_span, parse_rate
from videostyle.errors import InputError, UnreadableError, VideostyleError, WeightsError
from videostyle.frames import Span
from videostyle.journal.folder import state_folder
from videostyle.media import masks
from videostyle.media.image import still
from videostyle.media.probe import probe
from videostyle.media.reader import read_frames
from videostyle.plan.options import check_engine
from videostyle.plan.plan import SegmentLimits
from videostyle.settings import NAMES
from videostyle.sources import load, read_made
from videostyle.style.features.weights import read_file

MORE = 512 << 20  # bytes by which the memory may have grown at its peak
PIXELS = 1 << 20  # of a frame that is decoded here: a header may honestly say more than is worth the time


@pytest.fixture(params=[1, pytest.param(50, marks=pytest.mark.fuzz)])
def fuzz(request):
    """Runs a check on many examples, always the same few or many new ones."""

    def run(check, strategy, examples=60):
        few = request.param == 1
        often = settings(
            max_examples=examples * request.param,
            derandomize=few,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        often(given(strategy)(check))()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown * 1024 < MORE

    return run


@contextmanager
def as_input_errors(kind):
    """Done, or refused in words."""
    try:
        yield
    except kind as error:
        if not str(error):
            raise AssertionError from error


def harmed(content: bytes, header: int = 0):
    """The content with bytes changed, cut out or put in, half of the time near its beginning."""
    place = st.one_of(st.integers(0, min(len(content), header or 256)), st.integers(0, len(content)))
    new = st.one_of(st.binary(max_size=8), st.sampled_from([b"\xff" * 4, b"\0" * 8, struct.pack(">I", 2**31 - 1)]))
    change = st.tuples(place, st.integers(0, 8), new)
    whole = st.lists(change, min_size=1, max_size=4).map(lambda changes: _changed(content, changes))
    return st.one_of(whole, st.integers(0, len(content)).map(lambda end: content[:end]))


def _changed(content, changes):
    for at, length, new in changes:
        content = content[:at] + new + content[at + length :]
    return content


# --- words


VALUES = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["auto", "relu4_2:0", "1e999"]),
    st.lists(st.one_of(st.floats(), st.text(max_size=5), st.integers()), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip


def toml(values):
    return "\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())


@pytest.mark.parametrize(
    "texts",
    [
        st.dictionaries(st.sampled_from([*NAMES, "preset"]), VALUES, max_size=4).map(toml).map(str.encode),
        st.binary(max_size=64),
        st.text(alphabet="size=[]{}\"'\n.#0123eE+-_", max_size=40).map(str.encode),
    ],
)
def test_settings_in_a_file(fuzz, tmp_path, texts):
    path = tmp_path / "settings.toml"

    def check(text):
        path.write_bytes(text)
        with as_input_errors(InputError):
            load(path)

    fuzz(check, texts, 100)


def test_the_comment_of_a_result(fuzz, tmp_path):
    made = st.recursive(
        VALUES, lambda inner: st.dictionaries(st.sampled_from(["settings", "size"]), inner), max_leaves=4
    )

    def check(comment):
        with as_input_errors(InputError):
            videostyle.Settings().override(**read_made(comment, tmp_path / "out.mp4"))

    fuzz(check, st.one_of(st.text(max_size=20), made.map(json.dumps)), 150)


WORDS = st.one_of(st.text(max_size=12), st.text(alphabet="0123456789:./-+e ²٣", max_size=12), st.none())


def test_ranges_times_and_rates(fuzz):
    def check(words):
        frames, start, end, rate = words
        with as_input_errors(InputError):
            make_span(frames, start, end)
            parse_rate(rate or "")

    fuzz(check, st.tuples(WORDS, WORDS, WORDS, WORDS), 400)


# --- weights


def small_pickle():
    file = BytesIO()
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(64)}, file)
    return file.getvalue()


HEADER = {"features.0.weight": {"dtype": "F32", "shape": [2**40, 3, 3, 3], "data_offsets": [0, 2**62]}}
LIE = json.dumps(HEADER).encode()
SOUND = save({"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(64)})


@pytest.mark.parametrize(
    ("suffix", "contents"),
    [
        (".safetensors", harmed(SOUND, 160)),
        (".safetensors", st.integers(0, 2**64 - 1).map(lambda size: struct.pack("<Q", size) + LIE)),
        (".pth", harmed(small_pickle())),
        (".pt", st.binary(max_size=200)),
    ],
)
def test_weights(fuzz, tmp_path, suffix, contents):
    path = tmp_path / f"weights{suffix}"

    def check(content):
        path.write_bytes(content)
        for look in (lambda: check_engine(PLAIN.override(weights=str(path))), lambda: read_file(path, 1)):
            with as_input_errors(WeightsError):
                look()

    fuzz(check, contents)


# --- media


def film(folder, suffix, **words):
    corpus.film(path := folder / f"sound{suffix}", pts=range(6), size=(32, 24), sound="aac", **words)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts", ".avi"])
def test_films(fuzz, tmp_path, suffix):
    path = tmp_path / f"film{suffix}"

    def check(content):
        path.write_bytes(content)
        with as_input_errors(VideostyleError):
            clip = probe(path)
            if clip.width * clip.height <= PIXELS:
                for _, frame in zip(range(20), read_frames(clip, (32, 24), Span()), strict=False):
                    assert frame.pixels.shape == (24, 32, 3)

    fuzz(check, harmed(film(tmp_path, suffix), 1200))


@pytest.mark.parametrize(("suffix", "made"), [(".mp4", ".mp4"), (".mkv", ".mkv"), (".mkv", ".webm")])
def test_films_from_end_to_end(fuzz, style, tmp_path, suffix, made):
    """The sound copied, and encoded again."""
    path, output = tmp_path / f"film{suffix}", tmp_path / f"out{made}"

    def check(content):
        path.write_bytes(content)
        with as_input_errors(VideostyleError):
            videostyle.stylize_video(path, style, output, PLAIN.override(size=32), overwrite=True)

    fuzz(check, harmed(film(tmp_path, suffix), 1200), 20)


def picture(kind, mode):
    image = Image.fromarray(media.texture(24, 16)).convert("RGB" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.arange(24 * 16, dtype=np.uint16).reshape(16, 24))
    exif = Image.Exif()
    exif[Base.Artist] = "Someone"
    exif[IFD.Exif], exif[IFD.GPSInfo] = {Base.DateTimeOriginal: "2026:05:01 10:20:30"}, {1: "N", 2: (48.0, 8.0, 15.0)}
    image.save(file := BytesIO(), kind, exif=exif.tobytes())
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("png", "RGB"), ("png", "RGBA"), ("png", "P"), ("png", "I;16"), ("jpeg", "RGB"), ("jpeg", "CMYK"), ("tiff", "RGB"),
     ("tiff", "I;16"), ("webp", "RGB"), ("bmp", "RGB"), ("gif", "P"), ("avif", "RGB")],
)  # fmt: skip
def test_pictures(fuzz, tmp_path, kind, mode):
    path = tmp_path / f"picture.{kind}"

    def check(content):
        path.write_bytes(content)
        with as_input_errors(UnreadableError):
            width, height = still.image_size(path)
            if width * height <= PIXELS:
                assert still.read_still(path).shape == (height, width, 3)
            assert still.count_images(path) >= 1
            still.read_tags(path).block()
            masks.check_mask(path)

    fuzz(check, harmed(picture(kind, mode)))


# --- the state of a job


def test_the_state_of_a_job(fuzz, style, tmp_path):
    limits = SegmentLimits(3, 3)
    clip, output = media.write_clip(tmp_path / "film.mkv", media.panning(9), sound=None), tmp_path / "out.mkv"
    job = PLAIN.override(codec="ffv1")
    render(clip, style, tmp_path / "whole.mkv", job, limits=limits)
    with pytest.raises(StopError):
        render(clip, style, output, job, limits=limits, on_frame=strike)
    kept = {path.name: path.read_bytes() for path in state_folder(output).iterdir()}
    expected = packets(tmp_path / "whole.mkv")

    def check(change):
        name, harm = change
        output.unlink(missing_ok=True)
        state_folder(output).mkdir(exist_ok=True)
        for other, content in kept.items():
            (state_folder(output) / other).write_bytes(harm if other == name else content)
        with as_input_errors(VideostyleError):
            render(clip, style, output, job, limits=limits, resume=True)
            assert packets(output) == expected

    changes = st.sampled_from(sorted(kept)).flatmap(lambda name: st.tuples(st.just(name), harmed(kept[name])))
    fuzz(check, changes, 25)


def strike(report):
    if report.index == 7:
        raise StopError
