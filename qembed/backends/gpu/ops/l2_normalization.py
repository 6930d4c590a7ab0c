"""L2_NORMALIZATION: a warp for each row."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.ir import Tensor
from qembed.ops.l2_normalization import L2Normalization


def lower(
    params: L2Normalization, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    (x,) = inputs
    rows = math.prod(x.shape[:-1])
    values = {"rows": rows, "size": x.shape[-1], "zero_point": params.input_zero_point}
    return [Launch("l2_normalization_int8", "L2Normalization", values, rows * 32)]
