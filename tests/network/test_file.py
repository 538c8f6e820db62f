"""A look file comes back as it was, or is refused in a sentence."""

import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.network.test_net import SMALL, trained
from videostyle.errors import UnreadableError
from videostyle.network.file import LookHeader, is_look, load_network, save_network
from videostyle.network.net import folded

HEADER = LookHeader([{"name": "night.jpg", "digest": "ab"}], 64, SMALL.width, SMALL.dilations, 3, {"color": "style"}, 7)


@pytest.fixture
def look(tmp_path):
    save_network(tmp_path / "look.safetensors", trained(), HEADER)
    return tmp_path / "look.safetensors"


def rewritten(path, **changes):
    """The file with another header."""
    tensors = load_file(path)
    header = {"format": 1, **HEADER.__dict__, **changes}
    save_file(tensors, path, {"videostyle": json.dumps(header)})
    return path


def test_a_network_comes_back_with_what_is_said_of_it(look):
    network, header = load_network(look)
    assert header == HEADER == LookHeader.read(look)
    frame, noise = torch.rand(1, 3, 24, 32), torch.randn(1, 3, 24, 32)
    expected = folded(trained())(frame, noise)
    torch.testing.assert_close(folded(network.eval())(frame, noise), expected, atol=0.02, rtol=0.02)


def test_a_network_of_the_usual_size_takes_less_than_a_megabyte(tmp_path):
    from videostyle.network.net import USUAL_SHAPE, StyleNetwork

    save_network(tmp_path / "look.safetensors", StyleNetwork(USUAL_SHAPE), HEADER)
    assert (tmp_path / "look.safetensors").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "another version"),
        ({"width": 16}, "not those of the network"),
        ({"dilations": []}, "no look file"),
        ({"dilations": [10**9]}, "no look file"),
        ({"width": 10**9}, "no look file"),
        ({"size": "large"}, "no look file"),
        ({"further": 1}, "no look file"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(look, changes, said):
    with pytest.raises(UnreadableError, match=said):
        load_network(rewritten(look, **changes))


def test_a_file_cut_short_or_of_other_things_is_refused(look, tmp_path):
    whole = look.read_bytes()
    for content in (b"", whole[:100], whole[: len(whole) // 2], pickle.dumps({"weights": 1}), b"\xff" * 1000):
        look.write_bytes(content)
        with pytest.raises(UnreadableError, match="damaged"):
            load_network(look)
    save_file({"features.0.weight": torch.zeros(2)}, tmp_path / "vgg.safetensors")
    with pytest.raises(UnreadableError, match="no look file"):
        LookHeader.read(tmp_path / "vgg.safetensors")
    with pytest.raises(UnreadableError, match="no such file"):
        LookHeader.read(tmp_path / "missing.safetensors")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    network = trained()
    network.state_dict()["last.weight"].fill_(torch.nan)
    save_network(tmp_path / "look.safetensors", network, HEADER)
    with pytest.raises(UnreadableError, match="not finite"):
        load_network(tmp_path / "look.safetensors")


def test_a_look_is_known_by_its_name(tmp_path):
    assert is_look(tmp_path / "A.SafeTensors")
    assert not is_look(tmp_path / "a.jpg")
