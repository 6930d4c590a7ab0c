"""MAXIMUM and MINIMUM: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._positions import pairs
from qembed.ir import Tensor
from qembed.ops.extremum import Extremum


def lower(params: Extremum, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    y = outputs[0]
    items = math.prod(y.shape)
    values = {"items": items, **pairs(inputs, y.shape), "largest": params.largest}
    return [Launch(f"extremum_{y.dtype}", "Extremum", values, items)]
