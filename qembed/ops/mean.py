"""MEAN: average over axes, onto a scale of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.arithmetic import Int64Array, Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """Parameters of one layer.

    Attributes
    ----------
    axes : tuple of int
        Reduced axes, ascending, not negative.
    keep_dims : bool
        True: reduced axes stay with size 1.
    requantization : Requantization of 1 channel
        1 / (number of values reduced) is folded into the multiplier, which therefore need not be
        normalized (equation (13)).
    input_zero_point, output_zero_point : int
    """

    axes: tuple[int, ...]
    keep_dims: bool
    requantization: Requantization
    input_zero_point: int
    output_zero_point: int


def infer(params: Mean, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    _check.require_axes(params.axes, len(x.shape))
    by = params.requantization
    _check.require_array("multiplier", by.multiplier, ["int32"], (1,))
    _check.require_array("shift", by.shift, ["int32"], (1,))
    _check.require_narrow_rounding("requantization", by)
    if by.rounding == "float32":
        _check.require_requantization("requantization", by, 1)
    if by.multiplier[0] < 0 or not -31 <= by.shift[0] <= 30:
        raise ModelError("requantization needs a multiplier >= 0 and a shift in [-31, 30]")
    _check.require_in_range("input zero point", params.input_zero_point, x.dtype)
    _check.require_in_range("output zero point", params.output_zero_point, x.dtype)
    return [(reduced_shape(x.shape, params.axes, params.keep_dims), x.dtype)]


def reduced_shape(shape: Shape, axes: tuple[int, ...], keep_dims: bool) -> Shape:
    """Shape that is left when `axes` are reduced."""
    kept = [1 if axis in axes else n for axis, n in enumerate(shape)]
    return tuple(n for axis, n in enumerate(kept) if keep_dims or axis not in axes)


def accumulate(params: Mean, x: AnyArray) -> Int64Array:
    """Exact sums before requantization, of the output's shape."""
    real_x = x.astype(np.int64) - params.input_zero_point
    total: Int64Array = real_x.sum(axis=params.axes, keepdims=params.keep_dims)
    return total


def reference(params: Mean, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (13).

    Parameters
    ----------
    x : int8 or int16 ndarray, any shape

    Returns
    -------
    ndarray of the same type, without the reduced axes or with size 1 there
    """
    y = requantize(accumulate(params, x), params.requantization) + params.output_zero_point
    return np.clip(y, *_check.limits(x.dtype.name)).astype(x.dtype)
