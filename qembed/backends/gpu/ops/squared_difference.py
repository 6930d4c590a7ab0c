"""SQUARED_DIFFERENCE: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops._positions import pairs
from qembed.backends.gpu.ops._scales import scales, whole_range
from qembed.ir import Tensor
from qembed.ops.squared_difference import SquaredDifference


def lower(
    params: SquaredDifference, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    y = outputs[0]
    values: Values = {
        "items": math.prod(y.shape),
        **pairs(inputs, y.shape),
        "zero_point1": params.input1_zero_point,
        "zero_point2": params.input2_zero_point,
        "left_shift": params.left_shift,
        "by1": scales(params.requantization1),
        "by2": scales(params.requantization2),
        "by_square": scales(params.output_requantization),
        "to": whole_range(y.dtype, params.output_zero_point),
    }
    return [Launch(f"squared_difference_{y.dtype}", "SquaredDifference", values, values["items"])]
