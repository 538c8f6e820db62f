"""A network of any size paints pictures of any size, and is the same without its batch norms."""

import pytest
import torch

from videostyle.network.net import Shape, StyleNetwork, folded, weights_of

SMALL = Shape(8, (1, 2))


def trained(shape=SMALL, seed=0):
    """A network whose weights and statistics are far from those that it begins with."""
    torch.manual_seed(seed)
    network = StyleNetwork(shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    with torch.no_grad():
        for _ in range(5):
            network(torch.rand(2, 3, 24, 32), torch.randn(2, 3, 24, 32))
    return network.eval()


def test_a_new_network_leaves_the_frame():
    frame = torch.rand(1, 3, 24, 32)
    assert torch.equal(StyleNetwork(SMALL)(frame, torch.randn(1, 3, 24, 32)), frame)


@pytest.mark.parametrize("size", [(24, 32), (33, 65), (7, 5), (4, 90)])
def test_pictures_of_any_size_are_painted(size):
    frame = torch.rand(1, 3, *size)
    made = trained()(frame, torch.randn(1, 3, *size))
    assert made.shape == frame.shape
    assert (made - frame).abs().mean() > 0.01


def test_a_folded_network_is_the_same_function():
    network, frame, noise = trained(), torch.rand(1, 3, 24, 32), torch.randn(1, 3, 24, 32)
    plain = folded(network)
    assert not any("norm" in name for name in plain.state_dict())
    torch.testing.assert_close(plain(frame, noise), network(frame, noise), atol=1e-5, rtol=1e-4)


def test_half_precision_is_for_what_is_added_alone():
    network, noise = folded(trained()).to(torch.bfloat16), torch.zeros(1, 3, 24, 32)
    torch.nn.init.zeros_(network.last.weight)
    torch.nn.init.zeros_(network.last.bias)
    frame = torch.linspace(0.4, 0.401, 24 * 32).view(1, 1, 24, 32).expand(1, 3, 24, 32)
    assert torch.equal(network(frame, noise), frame)


def test_its_tensors_are_known_without_it():
    assert weights_of(SMALL) == {name: tuple(t.shape) for name, t in StyleNetwork(SMALL).state_dict().items()}
