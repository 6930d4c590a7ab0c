"""ADD and SUB: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops._positions import pairs
from qembed.backends.gpu.ops._scales import clamp, scales
from qembed.ir import Tensor
from qembed.ops.add import Add


def lower(params: Add, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    y = outputs[0]
    by = params.sum_scale
    values: Values = {
        "items": math.prod(y.shape),
        **pairs(inputs, y.shape),
        "zero_point1": params.input1_zero_point,
        "zero_point2": params.input2_zero_point,
        "left_shift": params.left_shift,
        "sign": -1 if params.subtract else 1,
        "by1": scales(params.requantization1),
        "by2": scales(params.requantization2),
        "by_sum": scales(params.output_requantization),
        "exact": by is not None,
        "multiplier1": by.multiplier1 if by else 0,
        "multiplier2": by.multiplier2 if by else 0,
        "shift": by.shift if by else 0,
        "to": clamp(params.activation_range, params.output_zero_point),
    }
    return [Launch(f"add_{y.dtype}", "Add", values, values["items"])]
