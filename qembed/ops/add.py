"""ADD and SUB: two inputs on scales of their own, NumPy broadcasting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.arithmetic import Int64Array, Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True)
class SumScale:
    """How XNNPACK adds: one exact sum of products, rounded once, ties towards +infinity.

    ``(multiplier1 * x1 + multiplier2 * x2) / 2**shift``; multipliers in [0, 2**22), shift in
    [1, 31].
    """

    multiplier1: int
    multiplier2: int
    shift: int


@dataclass(frozen=True, slots=True, eq=False)
class Add:
    """Parameters of one layer.

    Attributes
    ----------
    left_shift : int
        Both inputs are raised by it before they are scaled: 20 (int8) or 15 (int16).
    requantization1, requantization2, output_requantization : Requantization of 1 channel
        Shifts <= 0: the scales of the inputs and of the sum, all below 1.
    input1_zero_point, input2_zero_point, output_zero_point : int
    activation_range : (int, int)
        Inclusive clamp of the output.
    subtract : bool
        True: the scaled second input is subtracted.
    sum_scale : SumScale, optional
        On the desk alone, to reproduce a desktop runtime: replaces the four fields that scale.
    """

    left_shift: int
    requantization1: Requantization
    requantization2: Requantization
    output_requantization: Requantization
    input1_zero_point: int
    input2_zero_point: int
    output_zero_point: int
    activation_range: tuple[int, int]
    subtract: bool = False
    sum_scale: SumScale | None = None


def infer(params: Add, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(x1, ("int8", "int16"))
    _check.require_dtype(x2, (x1.dtype,))
    for what in ("requantization1", "requantization2", "output_requantization"):
        by: Requantization = getattr(params, what)
        _check.require_requantization(what, by, 1)
        _check.require_integer_rounding(what, by)
        if bool(np.any(by.shift > 0)):
            raise ModelError(f"{what} must shift right or not at all")
    if not 0 <= params.left_shift <= 20:
        raise ModelError(f"left_shift is {params.left_shift}, must be in [0, 20]")
    if params.sum_scale is not None:
        _check_sum_scale(params.sum_scale)
    for what in ("input1_zero_point", "input2_zero_point", "output_zero_point"):
        _check.require_in_range(what, getattr(params, what), x1.dtype)
    _check.require_activation_range(params.activation_range, x1.dtype)
    return [(_check.broadcast(x1.shape, x2.shape), x1.dtype)]


def _check_sum_scale(by: SumScale) -> None:
    fits = all(0 <= m < 1 << 22 for m in (by.multiplier1, by.multiplier2))
    if not fits or not 1 <= by.shift <= 31:
        raise ModelError(f"{by} needs multipliers in [0, 2**22) and a shift in [1, 31]")


def accumulate(params: Add, x1: AnyArray, x2: AnyArray) -> Int64Array:
    """Exact sums before the last scaling, of the broadcast shape."""
    scaled1: Int64Array = x1.astype(np.int64) - params.input1_zero_point
    scaled2: Int64Array = x2.astype(np.int64) - params.input2_zero_point
    if params.sum_scale is not None:
        scaled1 = scaled1 * params.sum_scale.multiplier1
        scaled2 = scaled2 * params.sum_scale.multiplier2
    else:
        scaled1 = requantize(scaled1 << params.left_shift, params.requantization1)
        scaled2 = requantize(scaled2 << params.left_shift, params.requantization2)
    total: Int64Array = scaled1 - scaled2 if params.subtract else scaled1 + scaled2
    return total


def reference(params: Add, x1: AnyArray, x2: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (12).

    Parameters
    ----------
    x1, x2 : int8 or int16 ndarray
        Shapes that broadcast.

    Returns
    -------
    ndarray of the same type, the broadcast shape
    """
    y = accumulate(params, x1, x2)
    if params.sum_scale is not None:
        shift = params.sum_scale.shift
        y = (y + (1 << (shift - 1))) >> shift
    else:
        y = requantize(y, params.output_requantization)
    return np.clip(y + params.output_zero_point, *params.activation_range).astype(x1.dtype)
