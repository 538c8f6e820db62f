import pytest
import torch
import torch.nn.functional as F

from videostyle.style.features import builtin, vgg
from videostyle.style.features.vgg import VGG19
from videostyle.style.objective import losses


@pytest.fixture(scope="module")
def tensors():
    return builtin.state_dict()


def test_a_version_of_the_rule_has_these_bits(tensors):
    assert builtin.digest(tensors) == builtin.DIGEST
    assert (builtin.VERSION, builtin.DIGEST) == (1, "477d9b369e4e3067")  # other bits are another version


def test_they_are_a_whole_vgg19(tensors):
    assert {tuple(t.shape) for n, t in tensors.items() if n.endswith("weight")} == set(vgg.shapes().values())
    assert len(tensors) == 32
    assert all(torch.isfinite(t).all() for t in tensors.values())


def test_every_depth_still_carries_the_picture(tensors):
    """Channels 0-5 of relu4_1 are the opponent colors of the picture itself, blurred and at an eighth of its size."""
    noise = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    image = F.interpolate(noise, size=64, mode="bicubic", antialias=True).clamp(0, 1)
    deep = VGG19(tensors, "average")(image, ["relu4_1"])["relu4_1"]
    colors = deep[:, 0:6:2] - deep[:, 1:6:2]
    normalized = (image - torch.tensor(vgg.MEAN).view(1, 3, 1, 1)) / torch.tensor(vgg.STD).view(1, 3, 1, 1)
    opponent = torch.einsum("ci,nihw->nchw", builtin._OPPONENT.float(), normalized)
    small = F.avg_pool2d(opponent, 8)
    for channel in range(3):
        both = torch.stack([colors[0, channel].flatten(), small[0, channel].flatten()])
        assert torch.corrcoef(both)[0, 1] > 0.95


def test_no_channel_is_dead_and_none_drowns_the_rest(tensors):
    network = VGG19(tensors, "average")
    names = [f"relu{b}_1" for b in range(1, 6)]
    for features in network(builtin._dead_leaves().float(), names).values():
        deviation = features[:, builtin.CARRIED :].std((0, 2, 3))
        assert deviation.min() > 1e-3
        assert deviation.max() < 6 * deviation.median()


def test_statistics_tell_strokes_by_their_direction(tensors):
    """What random weights hardly do: horizontal and vertical stripes are far apart, shifted stripes close."""
    network = VGG19(tensors, "average")
    y = torch.arange(128).view(1, 1, 128, 1).expand(1, 3, 128, 128)
    stripes = 0.5 + 0.4 * torch.sin(y * 0.3)

    def apart(a, b):
        (fa, fb) = (network(picture, ["relu3_1"])["relu3_1"] for picture in (a, b))
        return losses.relative_error(losses.channel_moments(fa)[1], losses.channel_moments(fb)[1])

    shifted, turned = 0.5 + 0.4 * torch.sin((y + 9) * 0.3), stripes.transpose(2, 3).contiguous()
    assert apart(stripes, turned) > 10 * apart(stripes, shifted)
