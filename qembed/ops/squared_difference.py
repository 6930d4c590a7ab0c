"""SQUARED_DIFFERENCE: two inputs on scales of their own, NumPy broadcasting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.arithmetic import Int64Array, Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check

LEFT_SHIFT = {"int8": 7, "int16": 0}


@dataclass(frozen=True, slots=True, eq=False)
class SquaredDifference:
    """Parameters of one layer.

    Attributes
    ----------
    left_shift : int
        Both inputs are raised by it before they are scaled: 7 (int8) or 0 (int16).
    requantization1, requantization2 : Requantization of 1 channel
        Scales of the inputs: at most 1/2.
    output_requantization : Requantization of 1 channel
    input1_zero_point, input2_zero_point, output_zero_point : int
    """

    left_shift: int
    requantization1: Requantization
    requantization2: Requantization
    output_requantization: Requantization
    input1_zero_point: int
    input2_zero_point: int
    output_zero_point: int


def infer(params: SquaredDifference, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(x1, ("int8", "int16"))
    _check.require_dtype(x2, (x1.dtype,))
    if not 0 <= params.left_shift <= LEFT_SHIFT[x1.dtype]:
        raise ModelError(f"left_shift is {params.left_shift}, at most {LEFT_SHIFT[x1.dtype]}")
    for what in ("requantization1", "requantization2", "output_requantization"):
        by: Requantization = getattr(params, what)
        _check.require_requantization(what, by, 1)
        _check.require_integer_rounding(what, by)
        halves = bool(np.all((by.shift < 0) | ((by.shift == 0) & (by.multiplier == 1 << 30))))
        if what != "output_requantization" and not halves:
            raise ModelError(f"{what} must be at most 1/2, or the square could overflow")
    for what in ("input1_zero_point", "input2_zero_point", "output_zero_point"):
        _check.require_in_range(what, getattr(params, what), x1.dtype)
        if x1.dtype == "int16" and getattr(params, what):
            raise ModelError(f"{what} of int16 must be 0")
    return [(_check.broadcast(x1.shape, x2.shape), x1.dtype)]


def accumulate(params: SquaredDifference, x1: AnyArray, x2: AnyArray) -> Int64Array:
    """Squares before the last requantization, of the broadcast shape."""
    raised1 = (x1.astype(np.int64) - params.input1_zero_point) << params.left_shift
    raised2 = (x2.astype(np.int64) - params.input2_zero_point) << params.left_shift
    difference = requantize(raised1, params.requantization1) - requantize(
        raised2, params.requantization2
    )
    return difference * difference


def reference(params: SquaredDifference, x1: AnyArray, x2: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (28).

    Parameters
    ----------
    x1, x2 : int8 or int16 ndarray
        Shapes that broadcast.

    Returns
    -------
    ndarray of the same type, the broadcast shape
    """
    y = requantize(accumulate(params, x1, x2), params.output_requantization)
    return np.clip(y + params.output_zero_point, *_check.limits(x1.dtype.name)).astype(x1.dtype)
