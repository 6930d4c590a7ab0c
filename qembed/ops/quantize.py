"""QUANTIZE: real numbers to integers, or integers of one scale to another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.arithmetic import Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True, eq=False)
class Quantize:
    """Parameters of one layer. Exactly one of `scale` and `requantization` is given.

    Attributes
    ----------
    output_dtype : DType
    output_zero_point : int
    scale : float, optional
        float32 input: real size of an output step; exactly a float32.
    requantization : Requantization of 1 channel, optional
        Integer input: input scale / output scale.
    input_zero_point : int
        Integer input only.
    ties_to_even : bool
        float32 input only, on the desk alone, to reproduce a desktop runtime: ties go to even
        numbers instead of away from zero.
    """

    output_dtype: DType
    output_zero_point: int
    scale: float | None = None
    requantization: Requantization | None = None
    input_zero_point: int = 0
    ties_to_even: bool = False


def infer(params: Quantize, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_in_range("output zero point", params.output_zero_point, params.output_dtype)
    if x.dtype == "float32":
        _check.require_scale(params.scale)
    elif params.requantization is None or params.scale is not None or params.ties_to_even:
        raise ModelError(f"an input of type {x.dtype} needs a requantization and no scale")
    else:
        _check.require_in_range("input zero point", params.input_zero_point, x.dtype)
        _check.require_requantization("requantization", params.requantization, 1)
        _check.require_integer_rounding("requantization", params.requantization)
    return [(x.shape, params.output_dtype)]


def reference(params: Quantize, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (15).

    Parameters
    ----------
    x : float32 or integer ndarray, any shape
        Not NaN; infinities saturate.

    Returns
    -------
    ndarray of `output_dtype`, same shape
    """
    low, high = _check.limits(params.output_dtype)
    if params.requantization is not None:
        real_x = x.astype(np.int64) - params.input_zero_point
        y = requantize(real_x, params.requantization)
    else:
        with np.errstate(over="ignore"):
            steps = (x / np.float32(params.scale)).astype(np.float64)
        away = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
        nearest = np.rint(steps) if params.ties_to_even else away
        y = np.clip(nearest, -(2.0**31), 2.0**31 - 1).astype(np.int64)
    return np.clip(y + params.output_zero_point, low, high).astype(params.output_dtype)
