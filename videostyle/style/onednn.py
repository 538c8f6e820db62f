"""oneDNN's own operators, which torch's compiler uses as well: convolution and ReLU in one, weights laid out once.

Torch's convolution lays its weights out anew at every call, and its float32 matrix product is MKL's, which on other
makers' processors is a fraction of oneDNN's. The convolutions have the bits of torch's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_OPERATORS = ("_convolution_pointwise", "_linear_pointwise", "_reorder_convolution_weight")
_TYPICAL = 66  # side of a picture that weights are laid out for; others may use them too
_ONES = (1, 1)
_NOTHING: Sequence[float] = ()


def supports(tensor: Tensor) -> bool:
    """Whether these operators are there, and are for tensors like this one."""
    here = all(hasattr(torch.ops.mkldnn, name) for name in _OPERATORS)
    return here and tensor.device.type == "cpu" and tensor.dtype == torch.float32


def pack_weight(weight: Tensor, padding: int) -> Tensor:
    """A convolution's weight, (O, I, 3, 3), as `conv2d` with this padding wants it: opaque to everything else."""
    typical = [1, weight.shape[1], _TYPICAL, _TYPICAL]
    laid: Tensor = torch.ops.mkldnn._reorder_convolution_weight(weight, (padding,) * 2, _ONES, _ONES, 1, typical)
    return laid


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int, then: str = "none") -> Tensor:
    """The convolution of (N, I, H, W) with a packed weight; `then` is "relu" or "none"."""
    out: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, (padding,) * 2, _ONES, _ONES, 1, then, _NOTHING, ""
    )
    return out


def matmul_t(a: Tensor, b: Tensor, added: Tensor | None = None) -> Tensor:
    """The product a bᵀ, and a row added to each of its rows: (n, k), (m, k), (m,) → (n, m)."""
    out: Tensor = torch.ops.mkldnn._linear_pointwise(a, b, added, "none", _NOTHING, "")
    return out
