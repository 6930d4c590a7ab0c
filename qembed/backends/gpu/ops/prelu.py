"""PRELU: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops._positions import broadcast
from qembed.backends.gpu.ops._scales import scales, whole_range
from qembed.ir import Tensor
from qembed.ops.prelu import Prelu


def lower(params: Prelu, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (y,) = outputs
    values: Values = {
        "items": math.prod(y.shape),
        "alpha": params.alpha,
        "alpha_index": broadcast(params.alpha.shape, y.shape),
        "input_zero_point": params.input_zero_point,
        "positive": scales(params.positive),
        "negative": scales(params.negative),
        "to": whole_range(y.dtype, params.output_zero_point),
    }
    return [Launch(f"prelu_{y.dtype}", "Prelu", values, values["items"])]
