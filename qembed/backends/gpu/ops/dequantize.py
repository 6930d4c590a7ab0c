"""DEQUANTIZE: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.ir import Tensor
from qembed.ops.dequantize import Dequantize


def lower(params: Dequantize, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x,) = inputs
    values: Values = {
        "items": math.prod(x.shape),
        "zero_point": params.zero_point,
        "scale": params.scale,
    }
    return [Launch(f"dequantize_{x.dtype}", "Dequantize", values, values["items"])]
