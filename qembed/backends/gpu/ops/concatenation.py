"""CONCATENATION and PACK: a movement for each input."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.ir import Tensor
from qembed.ops.concatenation import Concatenation


def lower(
    params: Concatenation, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    (y,) = outputs
    inner = math.prod(y.shape[params.axis + 1 :])
    launches, offset = [], 0
    for number, x in enumerate(inputs):
        items, width = math.prod(x.shape), x.shape[params.axis] * inner
        values = {
            "items": items,
            "width": width,
            "stride": y.shape[params.axis] * inner,
            "offset": offset,
        }
        kernel = f"concatenation_{np.dtype(y.dtype).itemsize}"
        launches.append(Launch(kernel, "Concatenation", values, items, inputs=(number,)))
        offset += width
    return launches
