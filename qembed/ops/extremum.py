"""MAXIMUM and MINIMUM of two inputs on the same scale, NumPy broadcasting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True)
class Extremum:
    """Parameters of one layer: the larger of the two values if `largest`, else the smaller."""

    largest: bool


def infer(params: Extremum, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(x1, ("int8", "int16", "int32"))
    _check.require_dtype(x2, (x1.dtype,))
    return [(_check.broadcast(x1.shape, x2.shape), x1.dtype)]


def reference(params: Extremum, x1: AnyArray, x2: AnyArray) -> AnyArray:
    """Return the larger or smaller values; same type, the broadcast shape."""
    chosen: AnyArray = (np.maximum if params.largest else np.minimum)(x1, x2)
    return chosen
