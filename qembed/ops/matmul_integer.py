"""MatMulInteger: a product of two activations that ends with its int32 sums."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check
from qembed.ops.batch_matmul import MAX_DEPTH


@dataclass(frozen=True, slots=True)
class MatmulInteger:
    """It has no parameters: the zero points are inputs, one value each."""


def infer(
    params: MatmulInteger, x1: Tensor, x2: Tensor, zero_point1: Tensor, zero_point2: Tensor
) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    for x in (x1, x2, zero_point1, zero_point2):
        _check.require_dtype(x, ("int8",))
    if zero_point1.shape != () or zero_point2.shape != ():
        raise ModelError("the zero points must be one value each")
    if min(len(x1.shape), len(x2.shape)) < 2:
        raise ModelError(f"{x1.shape} and {x2.shape} are not matrices")
    (rows, depth), (other, columns) = x1.shape[-2:], x2.shape[-2:]
    if depth != other or depth > MAX_DEPTH["int8"]:
        raise ModelError(f"a product of {x1.shape} and {x2.shape} is undefined or too deep")
    batch = _check.broadcast(x1.shape[:-2], x2.shape[:-2])
    return [((*batch, rows, columns), "int32")]


def macs(
    params: MatmulInteger,
    x1: Tensor,
    x2: Tensor,
    zero_point1: Tensor,
    zero_point2: Tensor,
    y: Tensor,
) -> int:
    """Multiply-accumulates of one sample."""
    return math.prod(y.shape) * x1.shape[-1]


def reference(
    params: MatmulInteger, x1: AnyArray, x2: AnyArray, zero_point1: AnyArray, zero_point2: AnyArray
) -> AnyArray:
    """Run the layer by its definition: equation (46).

    Parameters
    ----------
    x1, x2 : int8 ndarray, shape (..., M, K) and (..., K, N)
        The leading axes broadcast.
    zero_point1, zero_point2 : int8 ndarray, shape ()

    Returns
    -------
    int32 ndarray, shape (..., M, N)
    """
    left = x1.astype(np.int64) - int(zero_point1)
    right = x2.astype(np.int64) - int(zero_point2)
    return np.asarray(left @ right).astype(np.int32)
