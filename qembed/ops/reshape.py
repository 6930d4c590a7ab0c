"""RESHAPE and its like (SQUEEZE, EXPAND_DIMS): same bytes, another shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor


@dataclass(frozen=True, slots=True)
class Reshape:
    """Parameters of one layer: the output's shape, all sizes given."""

    shape: Shape


def infer(params: Reshape, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    sizes = [int(np.prod(shape, dtype=np.int64)) for shape in (params.shape, x.shape)]
    if sizes[0] != sizes[1] or any(n < 1 for n in params.shape):
        raise ModelError(f"shape {x.shape} cannot become {params.shape}")
    return [(params.shape, x.dtype)]


def reference(params: Reshape, x: AnyArray) -> AnyArray:
    """Return the same values in the new shape."""
    return x.reshape(params.shape)
