"""A look as ONNX paints what it paints here; without the package, a sentence says how to get it."""

import json

import pytest
import torch

from tests.network.test_file import HEADER
from tests.network.test_net import trained
from tests.test_cli import command, refusal
from videostyle.network import export
from videostyle.network.file import load_network, save_network
from videostyle.network.net import folded


@pytest.fixture
def look(tmp_path):
    save_network(tmp_path / "look.safetensors", trained(), HEADER)
    return tmp_path / "look.safetensors"


def test_an_export_paints_the_same_at_every_size(look, tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    command("export", look, tmp_path / "look.onnx")
    session = runtime.InferenceSession(str(tmp_path / "look.onnx"))
    network = folded(load_network(look)[0])
    for size in ((24, 32), (40, 64)):
        frame, noise = torch.rand(2, 3, *size), torch.randn(2, 3, *size)
        (made,) = session.run(None, {"frame": frame.numpy(), "noise": noise.numpy()})
        torch.testing.assert_close(torch.from_numpy(made), network(frame, noise), atol=1e-3, rtol=0)
    said = json.loads(session.get_modelmeta().custom_metadata_map["videostyle"])
    assert (said["seed"], said["size"]) == (HEADER.seed, HEADER.size)
    assert "exists" in refusal("export", look, tmp_path / "look.onnx")


def test_a_missing_package_is_told(look, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(export.InputError, match=r"videostyle\[onnx\]"):
        export.check_onnx()


def test_what_cannot_be_exported_is_refused(look, tmp_path):
    assert "ends in .onnx" in refusal("export", look, tmp_path / "look.onx")
    assert "no such file" in refusal("export", tmp_path / "none.safetensors", tmp_path / "look.onnx")
