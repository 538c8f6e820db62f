import pytest
import torch
import torch.nn.functional as F
from torchvision.models import vgg19

from videostyle.style.layers import depth, layer_name
from videostyle.style.vgg import MEAN, STD, VGG19, _ReplicatePad, shapes, torchvision_indices


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(0)
    return vgg19(weights=None).features.eval().requires_grad_(False)


@pytest.mark.parametrize("name", ["relu1_1", "relu2_2", "relu3_4", "relu4_2", "relu5_1", "relu5_4"])
def test_activations_are_torchvisions_with_replicated_borders(theirs, name):
    image = torch.rand(1, 3, 40, 52)
    weights = {f"features.{k}": v for k, v in theirs.state_dict().items()}
    x = (image - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    last = torchvision_indices()[name.removeprefix("relu")] + 1
    for module in theirs[: last + 1]:
        if isinstance(module, torch.nn.Conv2d):
            x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), module.weight, module.bias)
        else:
            x = module(x)
    torch.testing.assert_close(VGG19(weights, "max")(image, [name])[name], x, rtol=1e-3, atol=1e-5)


def test_shapes_are_torchvisions(theirs):
    assert {f"{i}.weight": shapes()[n] for n, i in torchvision_indices().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items() if k.endswith("weight")
    }


def test_a_layer_has_three_names():
    assert layer_name("conv4_2") == layer_name("block4_conv2") == layer_name("relu4_2") == "relu4_2"
    assert depth("relu1_1") == 1
    assert depth("conv5_1") == 13


@pytest.mark.parametrize("name", ["relu1_3", "relu6_1", "pool1", "4_2"])
def test_what_is_no_layer_is_refused(name):
    with pytest.raises(ValueError, match="VGG19"):
        layer_name(name)


def test_features_come_under_the_names_asked_for(network):
    assert set(network(torch.rand(1, 3, 32, 32), ["block2_conv1", "relu1_1"])) == {"block2_conv1", "relu1_1"}


def test_replicated_border_has_torchs_value_and_gradient():
    x = torch.rand(2, 3, 5, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(2, 3, 7, 6, dtype=torch.float64)
    (ours,) = torch.autograd.grad((_ReplicatePad.apply(x) * weight).sum(), x)
    (theirs,) = torch.autograd.grad((F.pad(x, (1, 1, 1, 1), mode="replicate") * weight).sum(), x)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(_ReplicatePad.apply(x), F.pad(x, (1, 1, 1, 1), mode="replicate"))


def test_a_flat_picture_has_flat_features(network):
    features = network(torch.full((1, 3, 64, 64), 0.3), ["relu4_2"])["relu4_2"]
    assert features.std((2, 3)).max() < 1e-4  # zero padding would draw the border
