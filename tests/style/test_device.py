"""What a device cannot do is done on the CPU."""

from unittest.mock import Mock

import pytest
import torch

from videostyle.style.device import decomposable


@pytest.mark.parametrize(("device", "where"), [("mps", "cpu"), ("cuda", "cuda"), ("cpu", "cpu")])
def test_matrices_are_decomposed_where_torch_can(device, where):
    matrix = Mock(device=torch.device(device))
    decomposable(matrix, torch.float64)
    place, dtype = matrix.to.call_args.args
    assert (torch.device(place), dtype) == (torch.device(where), torch.float64)
