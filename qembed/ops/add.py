"""ADD: two inputs on scales of their own, NumPy broadcasting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.arithmetic import Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


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
    """

    left_shift: int
    requantization1: Requantization
    requantization2: Requantization
    output_requantization: Requantization
    input1_zero_point: int
    input2_zero_point: int
    output_zero_point: int
    activation_range: tuple[int, int]


def infer(params: Add, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(x1, ("int8", "int16"))
    _check.require_dtype(x2, (x1.dtype,))
    for what in ("requantization1", "requantization2", "output_requantization"):
        by: Requantization = getattr(params, what)
        _check.require_requantization(what, by, 1)
        if bool(np.any(by.shift > 0)) or by.rounding == "wide":
            raise ModelError(f"{what} must shift right or not at all, and not round 'wide'")
    if not 0 <= params.left_shift <= 20:
        raise ModelError(f"left_shift is {params.left_shift}, must be in [0, 20]")
    for what in ("input1_zero_point", "input2_zero_point", "output_zero_point"):
        _check.require_in_range(what, getattr(params, what), x1.dtype)
    _check.require_activation_range(params.activation_range, x1.dtype)
    return [(_check.broadcast(x1.shape, x2.shape), x1.dtype)]


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
    raised1 = (x1.astype(np.int64) - params.input1_zero_point) << params.left_shift
    raised2 = (x2.astype(np.int64) - params.input2_zero_point) << params.left_shift
    total = requantize(raised1, params.requantization1) + requantize(
        raised2, params.requantization2
    )
    y = requantize(total, params.output_requantization) + params.output_zero_point
    return np.clip(y, *params.activation_range).astype(x1.dtype)
