"""LOG_SOFTMAX: over the last axis, fixed-point exponentials and logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.arithmetic import Requantization, high_multiply, requantize, rounding_shift_right
from qembed.errors import ModelError
from qembed.fixed_point import exp_on_negative_values, log_of_sum
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check
from qembed.ops.softmax import INTEGER_BITS, SUM_INTEGER_BITS

OUTPUT_INTEGER_BITS = 4


@dataclass(frozen=True, slots=True, eq=False)
class LogSoftmax:
    """Parameters of one layer. Output: scale 2**-4, zero point 127.

    Attributes
    ----------
    multiplier, shift, diff_min : int
        As in `qembed.ops.softmax.Softmax`.
    reverse : Requantization of 1 channel
        Of the sum's logarithm back to input steps.
    """

    multiplier: int
    shift: int
    diff_min: int
    reverse: Requantization


def infer(params: LogSoftmax, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8",))
    _check.require_requantization("reverse", params.reverse, 1)
    _check.require_integer_rounding("reverse", params.reverse)
    if not (1 << 30 <= params.multiplier < 1 << 31 and 0 <= params.shift <= 31):
        raise ModelError("it needs a multiplier in [2**30, 2**31) and a shift in [0, 31]")
    if not -(1 << 31) <= params.diff_min <= 0 or (min(-params.diff_min, 255) << params.shift) >> 31:
        raise ModelError(f"diff_min {params.diff_min} is positive or overflows after the shift")
    if not x.shape or x.shape[-1] >= 1 << SUM_INTEGER_BITS:
        raise ModelError(f"{x.shape} needs 1 to {(1 << SUM_INTEGER_BITS) - 1} classes")
    return [(x.shape, "int8")]


def reference(params: LogSoftmax, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (31).

    Parameters
    ----------
    x : int8 ndarray, shape (..., C)

    Returns
    -------
    int8 ndarray, same shape
    """
    difference = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    counted = difference >= params.diff_min
    raised = np.where(counted, difference, 0) << params.shift
    scaled = high_multiply(raised, params.multiplier)
    p = exp_on_negative_values(scaled, INTEGER_BITS)
    terms = np.where(counted, rounding_shift_right(p, SUM_INTEGER_BITS), 0)
    log_sum = log_of_sum(terms.sum(axis=-1, keepdims=True))

    smallest = requantize(log_sum - (1 << 31), params.reverse)
    visible = difference > np.maximum(params.diff_min - 1, smallest)
    y = rounding_shift_right(scaled - log_sum, 31 - INTEGER_BITS - OUTPUT_INTEGER_BITS) + 127
    return np.where(visible, np.clip(y, -128, 127), -128).astype(np.int8)
