"""MUL: product of two inputs, NumPy broadcasting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.arithmetic import Int64Array, Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True, eq=False)
class Mul:
    """Parameters of one layer.

    Attributes
    ----------
    requantization : Requantization of 1 channel
        input 1 scale * input 2 scale / output scale.
    input1_zero_point, input2_zero_point, output_zero_point : int
    activation_range : (int, int)
        Inclusive clamp of the output.
    """

    requantization: Requantization
    input1_zero_point: int
    input2_zero_point: int
    output_zero_point: int
    activation_range: tuple[int, int]


def infer(params: Mul, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(x1, ("int8", "int16"))
    _check.require_dtype(x2, (x1.dtype,))
    _check.require_requantization("requantization", params.requantization, 1)
    _check.require_integer_rounding("requantization", params.requantization)
    for what in ("input1_zero_point", "input2_zero_point", "output_zero_point"):
        _check.require_in_range(what, getattr(params, what), x1.dtype)
    if x1.dtype == "int16" and (params.input1_zero_point or params.input2_zero_point):
        raise ModelError("int16 inputs with a zero point could overflow the product")
    _check.require_activation_range(params.activation_range, x1.dtype)
    return [(_check.broadcast(x1.shape, x2.shape), x1.dtype)]


def accumulate(params: Mul, x1: AnyArray, x2: AnyArray) -> Int64Array:
    """Exact products before requantization, of the broadcast shape."""
    real1 = x1.astype(np.int64) - params.input1_zero_point
    real2 = x2.astype(np.int64) - params.input2_zero_point
    return real1 * real2


def reference(params: Mul, x1: AnyArray, x2: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (21).

    Parameters
    ----------
    x1, x2 : int8 or int16 ndarray
        Shapes that broadcast.

    Returns
    -------
    ndarray of the same type, the broadcast shape
    """
    y = requantize(accumulate(params, x1, x2), params.requantization) + params.output_zero_point
    return np.clip(y, *params.activation_range).astype(x1.dtype)
