"""GATHER by positions that are an input: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch, Values
from qembed.ir import Tensor
from qembed.ops.gather_at import GatherAt


def lower(params: GatherAt, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x, positions), (y,) = inputs, outputs
    values: Values = {
        "items": math.prod(y.shape),
        "outer": math.prod(x.shape[params.batch_axes : params.axis]),
        "size": x.shape[params.axis],
        "places": math.prod(positions.shape[params.batch_axes :]),
        "inner": math.prod(x.shape[params.axis + 1 :]),
    }
    kernel = f"gather_at_{np.dtype(y.dtype).itemsize}"
    return [Launch(kernel, "GatherAt", values, values["items"])]
