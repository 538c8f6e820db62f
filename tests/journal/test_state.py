"""What a segment leaves, in a file and merged with what others leave."""

import numpy as np

from videostyle.journal.state import KeptFrame, SegmentState, from_16_bit, merge_states, round_to_16_bit

RNG = np.random.default_rng(0)


def frame(*, exact, known=True):
    image, confidence, content = (RNG.random((1, c, 3, 4), np.float32) for c in (3, 1, 3))
    kept = KeptFrame(image, confidence, content if known else None)
    return kept if exact else kept.rounded()


def state(previous, *others):
    frames = {index: frame(exact=False, known=index > 4) for index in others} | {previous: frame(exact=True)}
    return SegmentState(round_to_16_bit(RNG.random((1, 3, 3, 4), np.float32)), previous, frames, (2, 2, 0, 0))


def test_a_file_has_it_to_the_last_bit(tmp_path):
    left = state(12, 4, 8)
    left.save(tmp_path / "a.state")
    found = SegmentState.load(tmp_path / "a.state")
    assert (found.previous, list(found.frames), found.bars) == (12, [4, 8, 12], (2, 2, 0, 0))
    np.testing.assert_array_equal(found.opening, left.opening)
    for index, kept in left.frames.items():
        assert found.frames[index].exact == kept.exact
        assert found.frames[index].arrays().keys() == kept.arrays().keys()
        for name, array in kept.arrays().items():
            np.testing.assert_array_equal(found.frames[index].arrays()[name], array)


def test_a_damaged_file_is_no_state(tmp_path):
    state(3).save(tmp_path / "a.state")
    whole = (tmp_path / "a.state").read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\xff" * 100):
        (tmp_path / "a.state").write_bytes(content)
        assert SegmentState.load(tmp_path / "a.state") is None
    assert SegmentState.load(tmp_path / "none.state") is None


def test_16_bits_there_and_back_change_nothing_more():
    once = from_16_bit(round_to_16_bit(RNG.random(1000, np.float32)))
    np.testing.assert_array_equal(round_to_16_bit(once), round_to_16_bit(from_16_bit(round_to_16_bit(once))))
    assert once.dtype == np.float32


def test_only_the_frame_right_before_keeps_its_last_bit():
    shown, older = state(19), state(7)
    merged = merge_states(None, [older, shown], 20)
    assert merged.previous == 19
    assert merged.frames[19].exact
    assert not merged.frames[7].exact
    np.testing.assert_array_equal(merged.opening, shown.opening)
    assert merge_states(None, [older], 20).previous == 7
    assert merge_states(None, [], 20) is None


def test_what_the_segment_before_left_comes_first():
    before, setup = state(19, 11), state(7)
    merged = merge_states(before, [setup], 20)
    assert (merged.previous, set(merged.frames)) == (19, {7, 11, 19})
    np.testing.assert_array_equal(merged.opening, before.opening)
    assert merge_states(before, [], 20) is before
