"""QUANTIZE: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops._scales import NONE, scales
from qembed.ir import Tensor
from qembed.ops.quantize import Quantize


def lower(params: Quantize, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x,), (y,) = inputs, outputs
    limits = np.iinfo(y.dtype)
    by = params.requantization
    values: Values = {
        "items": math.prod(y.shape),
        "input_zero_point": params.input_zero_point,
        "output_zero_point": params.output_zero_point,
        "scale": params.scale or 0.0,
        "ties_to_even": params.ties_to_even,
        "by": NONE if by is None else scales(by),
        "low": limits.min,
        "high": limits.max,
    }
    return [Launch(f"quantize_{x.dtype}_{y.dtype}", "Quantize", values, values["items"])]
