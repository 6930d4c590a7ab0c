"""SOFTMAX of int16: a warp for each row."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._scales import scales
from qembed.ir import Tensor
from qembed.ops.softmax_int16 import SoftmaxInt16


def lower(
    params: SoftmaxInt16, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    (x,) = inputs
    rows = math.prod(x.shape[:-1])
    values = {
        "rows": rows,
        "size": x.shape[-1],
        "by": scales(params.requantization),
        "exp_table": params.exp_table,
        "reciprocal_table": params.reciprocal_table,
    }
    return [Launch("softmax_int16_rows", "SoftmaxInt16", values, rows * 32)]
