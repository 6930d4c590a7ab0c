"""TRANSPOSE: the axes in another order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor


@dataclass(frozen=True, slots=True)
class Transpose:
    """Parameters of one layer: axis i of the output is axis ``permutation[i]`` of the input."""

    permutation: tuple[int, ...]


def infer(params: Transpose, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    if sorted(params.permutation) != list(range(len(x.shape))):
        raise ModelError(f"{params.permutation} is not an order of the axes of {x.shape}")
    return [(tuple(x.shape[axis] for axis in params.permutation), x.dtype)]


def reference(params: Transpose, x: AnyArray) -> AnyArray:
    """Reorder the axes of `x`, of any type."""
    return np.transpose(x, params.permutation).copy()
