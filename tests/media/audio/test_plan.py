"""Which tracks are copied, and which re-encoded."""

import av
import numpy as np
import pytest

from tests.helpers import corpus, media
from tests.helpers.copies import copy
from tests.helpers.jobs import UNTOUCHED
from videostyle import stylize_video
from videostyle.errors import OutputError
from videostyle.frames import Span
from videostyle.media.audio.plan import has_audio, plan_tracks
from videostyle.media.video.codecs import DELIVERIES


def test_the_source_may_be_silent(tmp_path):
    source = media.write_clip(tmp_path / "c.mkv", media.panning(3), sound=None)
    assert plan_tracks(source, tmp_path / "out.mp4") == []
    copy(source, tmp_path / "out.mp4", codec="h264")
    assert len(media.shown(tmp_path / "out.mp4")[0]) == 3


def test_a_delivery_for_the_web_has_audio_that_browsers_play(tmp_path):
    source = media.write_clip(tmp_path / "c.mkv", media.panning(3), sound="flac")
    assert plan_tracks(source, tmp_path / "o.mp4")[0].encoder is None
    assert plan_tracks(source, tmp_path / "o.mp4", only=DELIVERIES["web"].audio_codecs)[0].encoder == "aac"


@pytest.mark.parametrize(
    ("codec", "suffix", "cut", "encoder"),
    [
        ("aac", ".mp4", False, None),
        ("aac", ".mp4", True, "aac"),
        ("aac", ".webm", False, "libopus"),
        ("flac", ".mkv", True, "flac"),
        ("pcm_s16le", ".mov", True, "pcm_s16le"),
        ("tta", ".mp4", False, "alac"),
    ],
)
def test_audio_is_copied_if_it_can_be_and_keeps_its_codec_if_it_is_cut(tmp_path, caplog, codec, suffix, cut, encoder):
    source = media.write_clip(tmp_path / "c.mkv", media.panning(3), sound=codec)
    (track,) = plan_tracks(source, tmp_path / f"out{suffix}", cut=cut)
    assert (track.codec, track.encoder) == (codec, encoder)
    if encoder is not None:
        assert (track.layout, track.rate) == ("mono", 48000 if encoder == "libopus" else 44100)
    heard = encoder is not None and encoder not in ("flac", "pcm_s16le")
    assert len(caplog.messages) == heard


def test_a_container_without_audio_that_we_write_is_refused(tmp_path):
    source = media.write_clip(tmp_path / "c.mkv", media.panning(3), sound="flac")
    with pytest.raises(OutputError, match=r"\.gif can hold neither flac audio nor AAC; use \.mkv"):
        plan_tracks(source, tmp_path / "out.gif")


def test_a_file_has_audio_or_not(clip, tmp_path):
    assert has_audio(clip)
    assert not has_audio(media.write_clip(tmp_path / "c.mkv", media.panning(3), sound=None))


@pytest.mark.parametrize("layout", ["2.1", "3.1", "4.1"])
@pytest.mark.parametrize(("suffix", "cut"), [(".mp4", True), (".mov", False), (".webm", False), (".webm", True)])
def test_the_channel_of_low_effects_is_not_lost(tmp_path, layout, suffix, cut):
    source = corpus.film(tmp_path / "in.mkv", sound="flac", layout=layout)
    (track,) = plan_tracks(source, tmp_path / f"out{suffix}", cut=cut)
    planned = av.AudioLayout(track.layout)
    assert "LFE" in [channel.name for channel in planned.channels]
    assert planned.nb_channels >= av.AudioLayout(layout).nb_channels


@pytest.mark.parametrize(
    ("sound", "encoder"), [("aac", "pcm_s24le"), ("flac", "pcm_s24le"), ("pcm_s16le", None), ("pcm_s24le", None)]
)
@pytest.mark.parametrize("cut", [False, True])
def test_a_delivery_to_an_editor_has_pcm(tmp_path, style, caplog, sound, encoder, cut):
    source, output = corpus.film(tmp_path / "in.mkv", sound=sound, layout="stereo"), tmp_path / "out.mov"
    settings = UNTOUCHED.override(delivery="edit")
    stylize_video(source, style, output, settings, span=Span(0, 6) if cut else None)
    with av.open(str(output)) as container:
        assert container.streams.audio[0].codec_context.name == (encoder or sound)
    assert [line for line in caplog.messages if "audio" in line] == []


def test_an_editors_pcm_is_the_sound_that_was_heard(tmp_path, style):
    source, output = media.write_clip(tmp_path / "in.mkv", media.panning(24), sound="flac"), tmp_path / "out.mov"
    stylize_video(source, style, output, UNTOUCHED.override(delivery="edit"))
    np.testing.assert_allclose(media.samples(output)[1], media.samples(source)[1], atol=1e-4)
