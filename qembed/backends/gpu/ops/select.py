"""SELECT_V2: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._positions import broadcast
from qembed.ir import Tensor
from qembed.ops.select import Select


def lower(params: Select, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    y = outputs[0]
    condition, x1, x2 = (broadcast(x.shape, y.shape) for x in inputs)
    items = math.prod(y.shape)
    values = {"items": items, "index_condition": condition, "index1": x1, "index2": x2}
    return [Launch(f"select_{y.dtype}", "Select", values, items)]
