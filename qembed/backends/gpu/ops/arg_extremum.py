"""ARG_MAX and ARG_MIN: a thread for each position."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.ir import Tensor
from qembed.ops.arg_extremum import ArgExtremum


def lower(params: ArgExtremum, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x,), (y,) = inputs, outputs
    values: Values = {
        "items": math.prod(y.shape),
        "size": x.shape[params.axis],
        "inner": math.prod(x.shape[params.axis + 1 :]),
        "largest": params.largest,
    }
    return [Launch("arg_extremum_int8", "ArgExtremum", values, values["items"])]
