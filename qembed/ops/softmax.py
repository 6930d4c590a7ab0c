"""SOFTMAX: over the last axis, fixed-point exponentials, no table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.arithmetic import high_multiply, rounding_shift_right
from qembed.errors import ModelError
from qembed.fixed_point import count_leading_zeros, exp_on_negative_values, one_over_one_plus
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check

INTEGER_BITS = 5  # of the scaled differences: Q5.26
SUM_INTEGER_BITS = 12  # of the sum of exponentials: Q12.19


@dataclass(frozen=True, slots=True)
class Softmax:
    """Parameters of one layer. Output: scale 2**-8 and zero point -128 (int8), or 2**-16, -32768.

    Attributes
    ----------
    multiplier : int
        In [2**30, 2**31): with `shift`, beta * input scale * 2**26.
    shift : int
        In [0, 31].
    diff_min : int
        <= 0; values further than this below the largest count as zero.
    output_dtype : DType
        "int8" or "int16".
    """

    multiplier: int
    shift: int
    diff_min: int
    output_dtype: DType = "int8"


def infer(params: Softmax, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8",))
    if params.output_dtype not in ("int8", "int16"):
        raise ModelError(f"output type {params.output_dtype} is neither int8 nor int16")
    if not (1 << 30 <= params.multiplier < 1 << 31 and 0 <= params.shift <= 31):
        raise ModelError("softmax needs a multiplier in [2**30, 2**31) and a shift in [0, 31]")
    if not -(1 << 31) <= params.diff_min <= 0 or (min(-params.diff_min, 255) << params.shift) >> 31:
        raise ModelError(f"diff_min {params.diff_min} is positive or overflows after the shift")
    if not x.shape or x.shape[-1] >= 1 << SUM_INTEGER_BITS:
        raise ModelError(f"softmax over {x.shape} needs 1 to {(1 << SUM_INTEGER_BITS) - 1} classes")
    return [(x.shape, params.output_dtype)]


def reference(params: Softmax, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (14).

    Parameters
    ----------
    x : int8 ndarray, shape (..., C)

    Returns
    -------
    int8 or int16 ndarray, same shape
    """
    low, high = _check.limits(params.output_dtype)
    bits = 8 * np.dtype(params.output_dtype).itemsize
    difference = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    counted = difference >= params.diff_min

    raised = np.where(counted, difference, 0) << params.shift
    p = exp_on_negative_values(high_multiply(raised, params.multiplier), INTEGER_BITS)
    terms = np.where(counted, rounding_shift_right(p, SUM_INTEGER_BITS), 0)
    total = terms.sum(axis=-1, keepdims=True)

    headroom = count_leading_zeros(total)
    scale = one_over_one_plus(((total << headroom) & 0xFFFFFFFF) - (1 << 31))
    exponent = np.minimum(SUM_INTEGER_BITS - headroom + 31 - bits, 31)
    y = rounding_shift_right(high_multiply(scale, p), exponent) + low
    return np.where(counted, np.clip(y, low, high), low).astype(params.output_dtype)
