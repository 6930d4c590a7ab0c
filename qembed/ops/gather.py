"""GATHER: slices along one axis, by constant positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True, eq=False)
class Gather:
    """Parameters of one layer.

    Attributes
    ----------
    axis : int
        Not negative.
    indices : int32 ndarray, shape (K,)
        Positions on that axis, in [0, size).
    """

    axis: int
    indices: NDArray[np.int32]


def infer(params: Gather, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_axes((params.axis,), len(x.shape))
    _check.require_array("indices", params.indices, ["int32"], (-1,))
    size = x.shape[params.axis]
    if params.indices.min() < 0 or params.indices.max() >= size:
        raise ModelError(f"an index is outside [0, {size})")
    shape = (*x.shape[: params.axis], params.indices.size, *x.shape[params.axis + 1 :])
    return [(shape, x.dtype)]


def reference(params: Gather, x: AnyArray) -> AnyArray:
    """Pick slices of `x`, of any type."""
    return np.take(x, params.indices, axis=params.axis)
