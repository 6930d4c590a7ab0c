"""LOG_SOFTMAX: a warp for each row."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._scales import scales
from qembed.ir import Tensor
from qembed.ops.log_softmax import LogSoftmax


def lower(params: LogSoftmax, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x,) = inputs
    rows = math.prod(x.shape[:-1])
    values = {
        "rows": rows,
        "size": x.shape[-1],
        "multiplier": params.multiplier,
        "shift": params.shift,
        "diff_min": params.diff_min,
        "reverse": scales(params.reverse),
    }
    return [Launch("log_softmax_int8", "LogSoftmax", values, rows * 32)]
