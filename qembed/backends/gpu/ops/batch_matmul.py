"""BATCH_MATMUL: a thread for each output."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops._positions import Positions, broadcast
from qembed.backends.gpu.ops._scales import scales, whole_range
from qembed.ir import Tensor
from qembed.ops.batch_matmul import BatchMatmul, matrix_shape


def lower(params: BatchMatmul, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x1, x2), (y,) = inputs, outputs
    (m, k), (_, n) = (
        matrix_shape(x1.shape, params.transpose1),
        matrix_shape(x2.shape, params.transpose2),
    )
    row_stride, depth_stride1 = (1, m) if params.transpose1 else (k, 1)
    depth_stride2, column_stride = (1, k) if params.transpose2 else (n, 1)
    values: Values = {
        "items": math.prod(y.shape),
        "rows": m,
        "columns": n,
        "depth": k,
        "matrix1": starts(x1, y),
        "matrix2": starts(x2, y),
        "row_stride1": row_stride,
        "depth_stride1": depth_stride1,
        "column_stride2": column_stride,
        "depth_stride2": depth_stride2,
        "zero_point1": params.input1_zero_point,
        "zero_point2": params.input2_zero_point,
        "by": scales(params.requantization),
        "to": whole_range(y.dtype, params.output_zero_point),
    }
    return [Launch(f"batch_matmul_{y.dtype}", "BatchMatmul", values, values["items"])]


def starts(x: Tensor, y: Tensor) -> Positions:
    """Where in the operand the matrix of each output matrix begins."""
    matrices = y.shape[:-2]
    index = broadcast(x.shape[:-2], matrices)
    if index is None:
        index = np.arange(math.prod(matrices), dtype=np.int32)
    return (index * math.prod(x.shape[-2:])).astype(np.int32)
