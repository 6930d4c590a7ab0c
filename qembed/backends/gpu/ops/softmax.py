"""SOFTMAX of int8: a warp for each row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.ir import Tensor
from qembed.ops.softmax import Softmax


def lower(params: Softmax, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x,) = inputs
    rows, limits = math.prod(x.shape[:-1]), np.iinfo(params.output_dtype)
    values = {
        "rows": rows,
        "size": x.shape[-1],
        "multiplier": params.multiplier,
        "shift": params.shift,
        "diff_min": params.diff_min,
        "low": limits.min,
        "high": limits.max,
        "bits": limits.bits,
    }
    kernel = "softmax_int8" if params.output_dtype == "int8" else "softmax_to_int16"
    return [Launch(kernel, "Softmax", values, rows * 32)]
