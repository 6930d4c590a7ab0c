"""SELECT_V2: values of one input or of another, by a condition; NumPy broadcasting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True)
class Select:
    """Parameters of one layer: none. Both values and the output share scale and zero point."""


def infer(params: Select, condition: Tensor, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(condition, ("bool",))
    _check.require_dtype(x1, ("int8", "int16"))
    _check.require_dtype(x2, (x1.dtype,))
    shape = _check.broadcast(_check.broadcast(x1.shape, x2.shape), condition.shape)
    return [(shape, x1.dtype)]


def reference(params: Select, condition: AnyArray, x1: AnyArray, x2: AnyArray) -> AnyArray:
    """Return `x1` where the condition (bool) holds, `x2` elsewhere."""
    return np.where(condition, x1, x2)
