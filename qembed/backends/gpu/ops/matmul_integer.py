"""MatMulInteger: a thread for each sum."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops.batch_matmul import starts
from qembed.ir import Tensor
from qembed.ops.matmul_integer import MatmulInteger


def lower(
    params: MatmulInteger, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    x1, x2, *_ = inputs
    (y,) = outputs
    values: Values = {
        "items": math.prod(y.shape),
        "rows": y.shape[-2],
        "columns": y.shape[-1],
        "depth": x1.shape[-1],
        "matrix1": starts(x1, y),
        "matrix2": starts(x2, y),
    }
    return [Launch("matmul_integer_int8", "MatmulInteger", values, values["items"])]
