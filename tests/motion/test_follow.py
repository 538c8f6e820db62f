"""Frames with their motion, and earlier ones that saw what it hides."""

import numpy as np

from tests.helpers import media
from tests.helpers.frames import as_frames
from videostyle.motion.follow import follow_motion, with_forward_motion


def passing_bar():
    """A bar passes over still ground: what it hides at frame 9 was seen before, at frame 0."""
    ground = media.texture(96, 64, seed=1)
    images = []
    for t in range(14):
        picture = ground.copy()
        picture[:, max(0, 6 * t - 30) : max(0, 6 * t - 6)] = media.texture(24, 64, seed=2)[
            :, : max(0, min(24, 6 * t - 6))
        ]
        images.append(picture)
    return images


def test_what_comes_back_is_recalled_from_the_frame_that_saw_it():
    steps = list(follow_motion(as_frames(passing_bar()), "dis-fine"))
    step = steps[11]  # the bar has covered 36:60 and uncovers 30:36
    assert step.references
    seen = sum(recall.motion.mask for recall in step.references)[8:-8, 31:35]
    assert seen.mean() > 0.6
    assert all(recall.index in steps[recall.index].retained for recall in step.references)


def test_nothing_is_recalled_where_the_previous_frame_serves_and_nothing_across_a_cut():
    still = list(follow_motion(as_frames([media.texture(96, 64)] * 10), "dis-fast"))
    assert all(step.references == () for step in still)
    images = media.panning(9, seed=1) + [255 - image for image in media.panning(9, seed=9)]
    steps = list(follow_motion(as_frames(images), "dis-fast"))
    assert all(recall.index >= 9 for step in steps[9:] for recall in step.references)


def test_only_the_first_frame_of_a_shot_has_no_motion():
    images = media.panning(5, seed=1) + [255 - image for image in media.panning(5, seed=9)]
    steps = list(follow_motion(as_frames(images), "dis-fast"))
    assert [step.frame.index for step in steps if step.motion is None] == [0, 5]


def test_the_way_back_is_the_way_there_turned_round_and_none_leads_across_a_cut():
    images = media.panning(3, 96, 64, seed=1) + [255 - image for image in media.panning(3, 96, 64, seed=9)]
    steps = list(with_forward_motion(follow_motion(as_frames(images), "dis-fine"), "dis-fine"))
    assert [step.frame.index for step in steps if step.forward_motion is None] == [0, 3]
    for step in (steps[1], steps[5]):
        assert np.abs(step.motion.flow[8:-8, 8:-8, 0] - 2).mean() < 0.2
        assert np.abs(step.forward_motion.flow[8:-8, 8:-8, 0] + 2).mean() < 0.2
        assert step.forward_motion.mask[:, :2].max() < 0.1 < 0.9 < step.motion.mask[:, :2].min()


def test_a_shot_that_returns_to_a_known_setup_recalls_it():
    one, other = media.panning(5, seed=1), [255 - image for image in media.panning(5, seed=9)]
    steps = list(follow_motion(as_frames([*one, *other, *one[::-1]]), "dis-fine"))
    assert [step.frame.index for step in steps if step.motion is None] == [0, 5, 10]
    assert [recall.index for recall in steps[10].references] == [4]
    assert steps[5].references == ()
    assert 4 in steps[9].retained


def flashing():
    """A pan with a flash at frame 4: nearly all white, and half of that a frame later."""
    images = media.panning(9, 96, 64)
    return [media.relit(image, to_white={4: 0.15, 5: 0.5}.get(t, 1)) for t, image in enumerate(images)]


def test_a_flash_is_no_cut_and_leaves_the_flow_alone():
    steps = list(follow_motion(as_frames(flashing()), "dis-fine"))
    assert [step.frame.index for step in steps if step.motion is None] == [0]
    for step in steps[1:]:
        assert step.motion.mask[:, :-4].mean() > 0.9
        assert np.abs(step.motion.flow[8:-8, 8:-8, 0] - 2).mean() < 0.3


def test_a_scene_that_comes_back_out_of_the_dark_is_known():
    scene = media.panning(12, 96, 64, step=1)
    light = [1, 1, 0.7, 0.4, 0.1, 0, 0, 0.1, 0.4, 0.7, 1, 1]
    steps = list(
        follow_motion(as_frames([media.relit(i, to_black=d) for i, d in zip(scene, light, strict=True)]), "dis-fine")
    )
    assert [step.frame.index for step in steps if step.motion is None] == [0, 7]
    assert [recall.index for recall in steps[7].references] == [6]


def test_another_scene_out_of_the_dark_begins_anew():
    light = [1, 0.6, 0.2, 0, 0, 0.2, 0.6, 1]
    scenes = media.panning(4, seed=1) + [255 - image for image in media.panning(4, seed=9)]
    steps = list(
        follow_motion(as_frames([media.relit(i, to_black=d) for i, d in zip(scenes, light, strict=True)]), "dis-fine")
    )
    assert [step.frame.index for step in steps if step.motion is None] == [0, 5]
    assert steps[5].references == ()
