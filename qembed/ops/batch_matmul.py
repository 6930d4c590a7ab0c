"""BATCH_MATMUL: product of two activations, matrix by matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qembed.arithmetic import Int64Array, Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check

# A longer sum of products could overflow.
MAX_DEPTH = {"int8": (1 << 31) // (255 * 255), "int16": (1 << 17) - 1}


@dataclass(frozen=True, slots=True, eq=False)
class BatchMatmul:
    """Parameters of one layer.

    Attributes
    ----------
    transpose1, transpose2 : bool
        Swap the last two axes of that input first.
    requantization : Requantization of 1 channel
        input 1 scale * input 2 scale / output scale. Rounding "wide" if and only if the inputs
        are int16.
    input1_zero_point, input2_zero_point, output_zero_point : int
    """

    transpose1: bool
    transpose2: bool
    requantization: Requantization
    input1_zero_point: int
    input2_zero_point: int
    output_zero_point: int


def infer(params: BatchMatmul, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(x1, ("int8", "int16"))
    _check.require_dtype(x2, (x1.dtype,))
    _check.require_requantization("requantization", params.requantization, 1)
    if x1.dtype == "int8":
        _check.require_narrow_rounding("requantization", params.requantization)
    elif params.requantization.rounding != "wide":
        raise ModelError("int16 inputs need the rounding 'wide'")
    for what in ("input1_zero_point", "input2_zero_point", "output_zero_point"):
        _check.require_in_range(what, getattr(params, what), x1.dtype)
        if x1.dtype == "int16" and getattr(params, what):
            raise ModelError(f"{what} of int16 must be 0")
    if min(len(x1.shape), len(x2.shape)) < 2:
        raise ModelError(f"{x1.shape} and {x2.shape} are not matrices")
    (m, k1), (k2, n) = (
        matrix_shape(x1.shape, params.transpose1),
        matrix_shape(x2.shape, params.transpose2),
    )
    if k1 != k2 or k1 > MAX_DEPTH[x1.dtype]:
        raise ModelError(f"a product of {m} x {k1} and {k2} x {n} is undefined or too deep")
    return [((*_check.broadcast(x1.shape[:-2], x2.shape[:-2]), m, n), x1.dtype)]


def matrix_shape(shape: Shape, transpose: bool) -> tuple[int, int]:
    """(rows, columns) of the last two axes."""
    return (shape[-1], shape[-2]) if transpose else (shape[-2], shape[-1])


def macs(params: BatchMatmul, x1: Tensor, x2: Tensor, y: Tensor) -> int:
    """Multiply-accumulates of one sample."""
    return math.prod(y.shape) * matrix_shape(x1.shape, params.transpose1)[1]


def accumulate(params: BatchMatmul, x1: AnyArray, x2: AnyArray) -> Int64Array:
    """Exact sums before requantization, (..., M, N)."""
    real1 = x1.astype(np.int64) - params.input1_zero_point
    real2 = x2.astype(np.int64) - params.input2_zero_point
    left = real1.swapaxes(-1, -2) if params.transpose1 else real1
    right = real2.swapaxes(-1, -2) if params.transpose2 else real2
    product: Int64Array = left @ right
    return product


def reference(params: BatchMatmul, x1: AnyArray, x2: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (35).

    Parameters
    ----------
    x1, x2 : int8 or int16 ndarray, shape (..., M, K) and (..., K, N)
        Before transposition; the leading axes broadcast.

    Returns
    -------
    ndarray of the same type, shape (..., M, N)
    """
    y = requantize(accumulate(params, x1, x2), params.requantization) + params.output_zero_point
    return np.clip(y, *_check.limits(x1.dtype.name)).astype(x1.dtype)
