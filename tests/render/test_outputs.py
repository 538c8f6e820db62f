"""How segments are written, checked and joined."""

from fractions import Fraction

import numpy as np
import pytest

from tests.helpers import media
from tests.helpers.jobs import PLAIN, planned
from videostyle.errors import MediaError
from videostyle.frames import Frame
from videostyle.render.outputs import InsertOutput, SequenceOutput, VideoOutput, check_video, output_of


def test_a_plan_says_what_is_made(clip, style, tmp_path):
    video = planned(clip, style, tmp_path / "out.mkv")
    assert type(output_of(video, "")) is VideoOutput
    assert type(output_of(planned(clip, style, tmp_path / "out.%02d.png"), "")) is SequenceOutput


def test_an_insert_edit_is_an_output_of_its_own(clip, style, tmp_path):
    import videostyle

    videostyle.stylize_video(clip, style, tmp_path / "out.mkv", PLAIN)
    edit = planned(clip, style, tmp_path / "out.mkv", span=videostyle.Span(2, 4), into=True)
    assert type(output_of(edit, "")) is InsertOutput


def test_images_that_were_changed_or_taken_away_make_a_segment_count_no_more(clip, style, tmp_path):
    output = output_of(planned(clip, style, tmp_path / "out.%02d.png"), "made so")
    packets = tmp_path / "000000.packets"
    with output.open_segment(packets) as sink:
        for index in range(2):
            sink.write(Frame(media.texture(8, 8, index), index, Fraction(1, 24), 1, index))
    assert output.is_intact(packets)
    image = tmp_path / "out.02.png"
    kept = image.read_bytes()
    image.write_bytes(kept + b"x")
    assert not output.is_intact(packets)
    image.write_bytes(kept)
    assert output.is_intact(packets)
    image.unlink()
    assert not output.is_intact(packets)


def test_a_video_with_a_frame_too_few_is_not_taken_for_whole(tmp_path):
    path = media.write_clip(tmp_path / "a.mkv", media.panning(6), sound=None)
    seconds = Fraction(5, 24)
    check_video(path, 6, seconds)
    for frames, length in ((7, seconds), (6, seconds + Fraction(1, 10))):
        with pytest.raises(MediaError, match="say --resume to join them again"):
            check_video(path, frames, length)


def test_numbers_go_on_from_the_source_s(style, tmp_path):
    import cv2

    for number in (0, 1):
        cv2.imwrite(str(tmp_path / f"in{number}.png"), np.zeros((16, 16, 3), np.uint8))
    plan = planned(tmp_path / "in%d.png", style, tmp_path / "out%d.png")
    with output_of(plan, "").open_segment(tmp_path / "p") as sink:
        sink.write(Frame(media.texture(16, 16), 0, Fraction(1, 24), 1, 0))
    assert (tmp_path / "out0.png").exists()
