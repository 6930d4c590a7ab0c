"""REDUCE_MAX and REDUCE_MIN: largest or smallest value over axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check
from qembed.ops.mean import reduced_shape


@dataclass(frozen=True, slots=True)
class ReduceExtremum:
    """Parameters of one layer; input and output have the same scale and zero point.

    Attributes
    ----------
    largest : bool
        True: maximum, False: minimum.
    axes : tuple of int
        Reduced axes, ascending, not negative.
    keep_dims : bool
        True: reduced axes stay with size 1.
    """

    largest: bool
    axes: tuple[int, ...]
    keep_dims: bool


def infer(params: ReduceExtremum, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    _check.require_axes(params.axes, len(x.shape))
    return [(reduced_shape(x.shape, params.axes, params.keep_dims), x.dtype)]


def reference(params: ReduceExtremum, x: AnyArray) -> AnyArray:
    """Reduce `x`, of any shape, to its extreme values."""
    reduce = np.max if params.largest else np.min
    return np.asarray(reduce(x, axis=params.axes, keepdims=params.keep_dims))
