"""TRANSPOSE_CONV: a thread for each output."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops import _windows
from qembed.backends.gpu.ops.conv import direct
from qembed.ir import Tensor
from qembed.ops.transpose_conv import TransposeConv


def lower(
    params: TransposeConv, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    (x,), (y,) = inputs, outputs
    _, kh, kw, _ = params.weights.shape
    values = {
        **_windows.images(x, y),
        **_windows.pair("kernel", (kh, kw)),
        **_windows.pair("stride", params.stride),
        "top": params.offset[0],
        "left": params.offset[1],
        "weights": params.weights,
        **direct(params),
    }
    return [Launch(f"transpose_conv_{x.dtype}", "TransposeConv", values, math.prod(y.shape))]
