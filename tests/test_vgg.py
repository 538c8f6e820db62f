import pytest
import torch
import torch.nn.functional as F
from torchvision.models import vgg19

from tests.helpers import media
from videostyle.settings import Settings
from videostyle.style import onednn, pixels
from videostyle.style.features import weights
from videostyle.style.features.layers import depth, layer_name, layer_shares, reach
from videostyle.style.features.vgg import (
    MEAN,
    STD,
    VGG19,
    Convolution,
    OneDNNConvolution,
    _ConvReLU,
    _pool,
    shapes,
    torchvision_indices,
)
from videostyle.style.objective.look import Look, Style
from videostyle.style.objective.terms import Objective
from videostyle.style.optimize.iterate import evaluate


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


@pytest.mark.parametrize("name", ["relu1_1", "relu2_2", "relu4_1"])
def test_a_layer_reaches_as_far_as_its_gradient(theirs, name):
    network = VGG19({f"features.{k}": v for k, v in theirs.state_dict().items()}, "average")
    image = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    found = network(image, [name])[name]
    middle = found.shape[2] // 2
    (gradient,) = torch.autograd.grad(found[..., middle, middle].sum(), image)
    rows = gradient.abs().sum((0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) == 2 * reach(name)


def test_layers_are_weighted_by_name():
    assert layer_shares(["relu1_1", "block4_conv1:3"]) == {"relu1_1": 0.25, "relu4_1": 0.75}
    with pytest.raises(ValueError, match="weight"):
        layer_shares(["relu1_1:0"])


@pytest.mark.parametrize("name", ["relu1_3", "relu6_1", "pool1", "4_2"])
def test_what_is_no_layer_is_refused(name):
    with pytest.raises(ValueError, match="VGG19"):
        layer_name(name)


def test_features_come_under_the_names_asked_for(network):
    assert set(network(torch.rand(1, 3, 32, 32), ["block2_conv1", "relu1_1"])) == {"block2_conv1", "relu1_1"}


def test_a_response_has_torchs_value_and_gradient():
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64, requires_grad=True)
    weight, bias = torch.randn(6, 3, 3, 3, dtype=torch.float64), torch.randn(6, dtype=torch.float64)
    ours = _ConvReLU.apply(x, Convolution(weight, bias))
    theirs = F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weight, bias))
    torch.testing.assert_close(ours, theirs)
    slope = torch.randn_like(ours)
    gradients = (torch.autograd.grad((y * slope).sum(), x)[0] for y in (ours, theirs))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("size", [(40, 56), (5, 4), (97, 130)])
def test_onednn_has_the_bits_of_torchs_convolution(size):
    plain = Convolution(torch.randn(16, 8, 3, 3), torch.randn(16))
    if not onednn.supports(plain.weight):
        pytest.skip("torch was built without oneDNN")
    x, slope = torch.randn(1, 8, *size, requires_grad=True), torch.randn(1, 16, *size)
    found = [_ConvReLU.apply(x, c) for c in (plain, OneDNNConvolution.of(plain))]
    assert torch.equal(*found)
    torch.testing.assert_close(*[torch.autograd.grad((y * slope).sum(), x)[0] for y in found], rtol=1e-5, atol=1e-5)


def test_a_convolution_keeps_only_its_response_for_the_gradient(network):
    kept = {}

    def keep(tensor):
        kept[tensor.data_ptr()] = tensor.shape
        return tensor

    image = torch.rand(1, 3, 32, 48, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        response = network(image, ["relu1_2"])["relu1_2"]
    assert [shape for shape in kept.values() if shape[0] == 1] == [response.shape] * 2
    assert response.is_contiguous(memory_format=torch.channels_last)


def test_a_flat_picture_has_flat_features(network):
    features = network(torch.full((1, 3, 64, 64), 0.3), ["relu4_2"])["relu4_2"]
    assert features.std((2, 3)).max() < 1e-4  # zero padding would draw the border


def gradient(network, image, settings=Settings()):
    """Of the default losses, as the optimizer takes it."""
    style = pixels.to_tensor(media.texture(64, 48, seed=7)[..., ::-1].copy())
    grain = 0.1 * torch.randn(image.shape, generator=torch.Generator().manual_seed(3))
    terms = Look(settings, [Style((style + grain).clamp(0, 1), 1.0, 1.0)], image).terms(network, image, ())
    return evaluate(Objective(network, terms), image, 0.0)[1].flatten()


@pytest.mark.parametrize(("dtype", "least"), [(torch.float16, 0.9995), (torch.bfloat16, 0.999)])
def test_half_precision_has_the_gradient_of_float32(network, dtype, least):
    built = weights.load("builtin", ["relu5_1"])
    image = pixels.to_tensor(media.texture(64, 48))
    exact, half = (gradient(n, image) for n in (network, VGG19(built.tensors, built.pooling, dtype=dtype)))
    assert torch.cosine_similarity(exact, half, dim=0) > least
    assert half.norm() == pytest.approx(float(exact.norm()), rel=0.01)


def test_fp16_holds_the_gradient_of_a_hundred_times_the_style_weight(network):
    built = weights.load("builtin", ["relu5_1"])
    settings = Settings(style_weight=100 * Settings().style_weight)
    half = gradient(
        VGG19(built.tensors, built.pooling, dtype=torch.float16), pixels.to_tensor(media.texture(64, 48)), settings
    )
    assert torch.isfinite(half).all()


@pytest.mark.parametrize("loudness", [0.2, 5.0], ids=["quiet", "loud"])
@pytest.mark.parametrize("kind", ["black", "white", "checkers", "noise"])
def test_fp16_holds_any_content(loudness, kind):
    """Every layer `loudness` times as strong as the last: activations from 1e-9 to 1e9, where fp16 ends at 65504."""
    generator = torch.Generator().manual_seed(0)
    loud = {}
    for (name, shape), index in zip(shapes().items(), torchvision_indices().values(), strict=True):
        gain = loudness * (2 / (9 * shape[1])) ** 0.5
        loud[f"features.{index}.weight"] = gain * torch.randn(shape, generator=generator)
        loud[f"features.{index}.bias"] = torch.zeros(shape[0])
        if name == "5_1":
            break
    image = {
        "black": torch.zeros(1, 3, 32, 32),
        "white": torch.ones(1, 3, 32, 32),
        "checkers": (torch.arange(32)[:, None] + torch.arange(32)).remainder(2).float().expand(1, 3, -1, -1),
        "noise": torch.rand(1, 3, 32, 32, generator=generator),
    }[kind]
    exact, half = (VGG19(loud, "max", dtype=d)(image, ["relu5_1"])["relu5_1"] for d in (torch.float32, torch.float16))
    assert torch.isfinite(half).all()
    torch.testing.assert_close(half, exact, rtol=0.05, atol=float(exact.abs().max()) * 0.02)


@pytest.mark.parametrize("pooling", ["average", "l2"])
def test_another_pooling_is_about_as_strong(theirs, pooling):
    weights = {f"features.{k}": v for k, v in theirs.state_dict().items()}
    image = torch.rand(1, 3, 64, 64)
    native, other = (VGG19(weights, p, native="max")(image, ["relu3_1"])["relu3_1"] for p in ("max", pooling))
    assert 0.5 < other.norm() / native.norm() < 2
    assert not torch.equal(other, native)


def test_l2_pooling_has_a_gradient_at_nothing():
    x = torch.zeros(1, 1, 4, 4, requires_grad=True)
    (slope,) = torch.autograd.grad(_pool(x, "l2").sum(), x)
    assert torch.isfinite(slope).all()


@pytest.mark.parametrize(("height", "width"), [(8, 6), (7, 9), (1, 4)])
def test_average_pooling_has_the_gradient_of_torch_s_own(height, width):
    x = torch.rand(1, 3, height, width, requires_grad=True)
    weight = torch.rand(1, 3, max(1, height // 2), width // 2)
    found, expected = (
        torch.autograd.grad((pool(x) * weight).sum(), x)[0]
        for pool in (
            lambda x: _pool(x, "average"),
            lambda x: F.avg_pool2d(F.pad(x, (0, 0, 0, int(height < 2)), mode="replicate"), 2),
        )
    )
    assert torch.equal(found, expected)


def test_l2_pooling_has_a_finite_gradient_of_zeros_in_half_precision():
    x = torch.zeros(1, 1, 4, 4, dtype=torch.float16, requires_grad=True)
    assert torch.autograd.grad(_pool(x, "l2").sum(), x)[0].isfinite().all()
