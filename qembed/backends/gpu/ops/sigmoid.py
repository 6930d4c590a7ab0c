"""LOGISTIC and TANH of int16: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.ir import Tensor
from qembed.ops.sigmoid import Sigmoid


def lower(params: Sigmoid, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    items = math.prod(outputs[0].shape)
    values = {
        "items": items,
        "is_tanh": params.function == "tanh",
        "multiplier": params.multiplier,
        "shift": params.shift,
        "table": params.table,
    }
    return [Launch("sigmoid_int16", "Sigmoid", values, items)]
