"""MUL: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops._positions import pairs
from qembed.backends.gpu.ops._scales import clamp, scales
from qembed.ir import Tensor
from qembed.ops.mul import Mul


def lower(params: Mul, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    y = outputs[0]
    values: Values = {
        "items": math.prod(y.shape),
        **pairs(inputs, y.shape),
        "zero_point1": params.input1_zero_point,
        "zero_point2": params.input2_zero_point,
        "by": scales(params.requantization),
        "to": clamp(params.activation_range, params.output_zero_point),
    }
    return [Launch(f"mul_{y.dtype}", "Mul", values, values["items"])]
