"""EQUAL and its like: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops._positions import pairs
from qembed.backends.gpu.ops._scales import NONE, scales
from qembed.ir import Tensor
from qembed.ops.compare import Compare

TRUE_IF = {
    "equal": (0, 1, 0),
    "not_equal": (1, 0, 1),
    "greater": (0, 0, 1),
    "greater_equal": (0, 1, 1),
    "less": (1, 0, 0),
    "less_equal": (1, 1, 0),
}
"""Answer if the first value is less, equal, greater."""


def lower(params: Compare, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    y = outputs[0]
    by1, by2 = params.requantization1, params.requantization2
    less, equal, greater = TRUE_IF[params.comparison]
    values: Values = {
        "items": math.prod(y.shape),
        **pairs(inputs, y.shape),
        "zero_point1": params.input1_zero_point,
        "zero_point2": params.input2_zero_point,
        "left_shift": params.left_shift,
        "by1": NONE if by1 is None else scales(by1),
        "by2": NONE if by2 is None else scales(by2),
        "if_less": less,
        "if_equal": equal,
        "if_greater": greater,
    }
    return [Launch(f"compare_{inputs[0].dtype}", "Compare", values, values["items"])]
