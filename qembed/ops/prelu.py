"""PRELU: negative values times a slope of their own; LEAKY_RELU and ABS of int16 as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array, Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True, eq=False)
class Prelu:
    """Parameters of one layer.

    Attributes
    ----------
    alpha : int16 ndarray
        Slopes less their zero point, in [-255, 255]; the shape broadcasts to the input's.
    positive, negative : Requantization of 1 channel
        input scale / output scale; the same times the scale of alpha.
    input_zero_point, output_zero_point : int
    """

    alpha: NDArray[np.int16]
    positive: Requantization
    negative: Requantization
    input_zero_point: int
    output_zero_point: int


def infer(params: Prelu, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    _check.require_array("alpha", params.alpha, ["int16"], (-1,) * params.alpha.ndim)
    if _check.broadcast(params.alpha.shape, x.shape) != x.shape:
        raise ModelError(f"alpha of shape {params.alpha.shape} does not broadcast to {x.shape}")
    if int(np.abs(params.alpha.astype(np.int64)).max()) > 255:
        raise ModelError("alpha is outside [-255, 255]")
    for what in ("positive", "negative"):
        _check.require_requantization(what, getattr(params, what), 1)
        _check.require_integer_rounding(what, getattr(params, what))
    _check.require_in_range("input zero point", params.input_zero_point, x.dtype)
    _check.require_in_range("output zero point", params.output_zero_point, x.dtype)
    return [(x.shape, x.dtype)]


def reference(params: Prelu, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (29).

    Parameters
    ----------
    x : int8 or int16 ndarray, any shape

    Returns
    -------
    ndarray of the same type and shape
    """
    real = x.astype(np.int64) - params.input_zero_point
    positive = requantize(real, params.positive)
    negative = requantize(real * params.alpha.astype(np.int64), params.negative)
    y: Int64Array = np.where(real >= 0, positive, negative) + params.output_zero_point
    return np.clip(y, *_check.limits(x.dtype.name)).astype(x.dtype)
