"""EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL: two inputs to a truth value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qembed.arithmetic import Int64Array, Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check

Comparison = Literal["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"]

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
}


@dataclass(frozen=True, slots=True, eq=False)
class Compare:
    """Parameters of one layer.

    Attributes
    ----------
    comparison : Comparison
        Of the first input with the second.
    left_shift : int
        Both inputs are raised by it before they are scaled: 8.
    requantization1, requantization2 : Requantization of 1 channel, optional
        Scales of the inputs, below 1. None for int32 inputs, which are compared as they are.
    input1_zero_point, input2_zero_point : int
    """

    comparison: Comparison
    left_shift: int = 0
    requantization1: Requantization | None = None
    requantization2: Requantization | None = None
    input1_zero_point: int = 0
    input2_zero_point: int = 0


def infer(params: Compare, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(x1, ("int8", "int32"))
    _check.require_dtype(x2, (x1.dtype,))
    if params.comparison not in COMPARISONS:
        raise ModelError(f"comparison {params.comparison} is none of {', '.join(COMPARISONS)}")
    scaled = (params.requantization1, params.requantization2)
    if (x1.dtype == "int32") != (scaled == (None, None)):
        raise ModelError("int32 inputs are compared as they are, others need two requantizations")
    for what, by in zip(("requantization1", "requantization2"), scaled, strict=True):
        if by is not None:
            _check.require_requantization(what, by, 1)
            _check.require_integer_rounding(what, by)
            if bool(np.any(by.shift > 0)):
                raise ModelError(f"{what} must shift right or not at all")
    if not 0 <= params.left_shift <= 8:
        raise ModelError(f"left_shift is {params.left_shift}, must be in [0, 8]")
    for what in ("input1_zero_point", "input2_zero_point"):
        _check.require_in_range(what, getattr(params, what), x1.dtype)
    return [(_check.broadcast(x1.shape, x2.shape), "bool")]


def reference(params: Compare, x1: AnyArray, x2: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (27).

    Parameters
    ----------
    x1, x2 : int8 or int32 ndarray
        Shapes that broadcast.

    Returns
    -------
    bool ndarray, the broadcast shape
    """

    def scaled(x: AnyArray, zero_point: int, by: Requantization | None) -> Int64Array:
        real = x.astype(np.int64) - zero_point
        return real if by is None else requantize(real << params.left_shift, by)

    one = scaled(x1, params.input1_zero_point, params.requantization1)
    two = scaled(x2, params.input2_zero_point, params.requantization2)
    return np.asarray(COMPARISONS[params.comparison](one, two))
