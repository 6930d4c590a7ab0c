"""RESHAPE and its like (SQUEEZE, EXPAND_DIMS): same bytes, another shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor


@dataclass(frozen=True, slots=True)
class Reshape:
    """Parameters of one layer: the output's shape, all sizes given."""

    shape: Shape


def infer(params: Reshape, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    if math.prod(params.shape) != math.prod(x.shape) or any(n < 1 for n in params.shape):
        raise ModelError(f"shape {x.shape} cannot become {params.shape}")
    return [(params.shape, x.dtype)]


def reference(params: Reshape, x: AnyArray) -> AnyArray:
    """Return the same values in the new shape."""
    return x.reshape(params.shape)
