"""The real download code, against a file server on this machine and weights of the right shape."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import VGG19_Weights

from videostyle.errors import WeightsError
from videostyle.interrupt import Interrupted
from videostyle.style.features import builtin, weights
from videostyle.style.features.layers import depth

CONV5_1 = depth("relu5_1")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def tensors():
    """A state dict with everything that torchvision's has, classifier (in small) included."""
    return {**builtin.state_dict(), "classifier.0.weight": torch.zeros(4, 4)}


@pytest.fixture(scope="module")
def served(tmp_path_factory, tensors):
    folder = tmp_path_factory.mktemp("served")
    torch.save(tensors, folder / "plain.pth")
    data = (folder / "plain.pth").read_bytes()
    name = f"vgg19-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(data)
    (folder / "vgg19-0badc0de.pth").write_bytes(data)  # tampered with: not what its name says
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", name, folder
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def empty_hub(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def point(monkeypatch, url):
    monkeypatch.setattr(weights, "imagenet_download", lambda: weights.Download(url))


def test_the_download_is_torchvisions_own():
    download = weights.imagenet_download()
    assert download.url == VGG19_Weights.IMAGENET1K_V1.url
    assert download.checksum == "dcbb9e9d"


def test_imagenet_weights_are_downloaded_once_and_kept_as_convolutions_alone(served, monkeypatch, tensors):
    url, name, _ = served
    point(monkeypatch, f"{url}/{name}")
    first = weights.load("imagenet", ["relu5_1"])
    assert first.pooling == "max"
    assert first.identity == f"imagenet-{name[6:14]}"
    assert torch.equal(first.tensors["features.0.weight"], tensors["features.0.weight"])
    (kept,) = weights._hub().iterdir()
    assert kept.suffix == ".safetensors"
    point(monkeypatch, f"http://127.0.0.1:9/{name}")  # nobody listens: it must come from the cache
    again = weights.load("imagenet", ["relu5_4"])
    assert all(torch.equal(first.tensors[n], again.tensors[n]) for n in first.tensors)
    assert set(again.tensors) == set(weights._EXPECTED)


def test_a_download_that_torch_made_before_is_used_and_left_alone(served, monkeypatch):
    _, name, folder = served
    point(monkeypatch, f"http://127.0.0.1:9/{name}")
    weights._hub().mkdir(parents=True)
    (weights._hub() / name).write_bytes((folder / name).read_bytes())
    weights.load("imagenet", ["relu5_1"])
    assert (weights._hub() / name).is_file()


@pytest.mark.parametrize("name", ["vgg19-0badc0de.pth", "vgg19-00000000.pth"])
def test_a_download_that_is_tampered_with_or_missing_is_refused_and_not_kept(served, monkeypatch, name):
    point(monkeypatch, f"{served[0]}/{name}")
    with pytest.raises(WeightsError, match="builtin"):
        weights.load("imagenet", ["relu5_1"])
    assert not list(weights._hub().iterdir())


def test_auto_takes_the_trained_ones_within_reach(served, monkeypatch):
    point(monkeypatch, f"{served[0]}/{served[1]}")
    assert weights.load("auto", ["relu5_1"]).identity.startswith("imagenet")


def test_auto_falls_back_with_one_line_that_names_the_reason(monkeypatch, caplog):
    point(monkeypatch, "http://127.0.0.1:9/vgg19-dcbb9e9d.pth")
    found = weights.load("auto", ["relu5_1"])
    assert (found.identity, found.pooling) == (f"builtin-{builtin.VERSION}", "average")
    (line,) = caplog.messages
    assert "127.0.0.1:9" in line
    assert "refused" in line
    assert "--weights" in line


def test_a_server_that_is_silent_is_not_waited_for():
    import socket
    import time

    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert weights.unreachable(f"http://127.0.0.1:{silent.getsockname()[1]}/x", 0.3) is not None
        assert time.monotonic() - began < 2


def test_the_built_in_ones_are_computed_once(monkeypatch):
    first = weights.load("builtin", ["relu5_1"])
    monkeypatch.setattr(builtin, "state_dict", lambda: pytest.fail("computed again"))
    again = weights.load("builtin", ["relu5_1"])
    assert all(torch.equal(first.tensors[n], again.tensors[n]) for n in first.tensors)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_is_read_in_either_format(tmp_path, tensors, suffix):
    path = tmp_path / f"mine{suffix}"
    shallow = {n: t for n, t in tensors.items() if n in list(weights._EXPECTED)[: 2 * CONV5_1]}
    torch.save(shallow, path) if suffix == ".pth" else save_file(shallow, path)
    found = weights.load(str(path), ["relu5_1"])
    assert (found.identity, found.pooling) == (path.name, "max")
    assert torch.equal(found.tensors["features.28.bias"], tensors["features.28.bias"])
    with pytest.raises(WeightsError, match=r"features\.30\.weight"):
        weights.load(str(path), ["relu5_2"])


def wrong(tensors, change):
    changed = dict(tensors)
    change(changed)
    return changed


WRONG = {
    "a missing layer": lambda d: d.pop("features.10.weight"),
    "a wrong shape": lambda d: d.update({"features.0.weight": torch.zeros(64, 3, 5, 5)}),
    "a number that is not finite": lambda d: d.update({"features.0.bias": torch.full((64,), torch.nan)}),
    "other names": lambda d: [d.update({f"model.{n}": d.pop(n)}) for n in list(d)],
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_is_no_vgg19_is_refused_by_name(tmp_path, tensors, change):
    path = tmp_path / "mine.pth"
    torch.save(wrong(tensors, change), path)
    with pytest.raises(WeightsError, match=r"mine\.pth.*features\."):
        weights.load(str(path), ["relu5_1"])


class Trap:
    def __reduce__(self):
        return (print, ("code in a weights file was run",))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file_is_refused(tmp_path, tensors, suffix):
    path = tmp_path / f"cut{suffix}"
    torch.save(tensors, path) if suffix == ".pth" else save_file(tensors, path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="cut"):
        weights.load(str(path), ["relu5_1"])


def test_no_code_in_a_file_is_run(tmp_path, capsys):
    path = tmp_path / "trap.pth"
    torch.save({"features.0.weight": Trap()}, path)
    with pytest.raises(WeightsError, match="trap"):
        weights.load(str(path), ["relu5_1"])
    assert "was run" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["missing.pth", "mine.bin"])
def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path, name):
    (tmp_path / "mine.bin").write_bytes(b"x")
    with pytest.raises(WeightsError, match=name):
        weights.load(str(tmp_path / name), ["relu5_1"])


def test_a_download_stops_where_it_is_asked_to(served, monkeypatch):
    monkeypatch.setattr(weights, "_PIECE", 4096)
    read = []

    def check():
        read.append(1)
        if len(read) == 3:
            raise Interrupted(2)

    monkeypatch.setattr(weights.interrupt, "check", check)
    point(monkeypatch, f"{served[0]}/{served[1]}")
    with pytest.raises(Interrupted):
        weights.load("imagenet", ["relu5_1"])
    assert not any(weights._hub().glob("*"))
    assert not any(weights._hub().glob(".*"))
