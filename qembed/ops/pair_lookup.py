"""Functions of two int8 values, NumPy broadcasting: a table of all pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True, eq=False)
class PairLookup:
    """Parameters of one layer: ``y = table[x1 + 128, x2 + 128]``.

    Attributes
    ----------
    table : int8 ndarray, shape (256, 256)
    """

    table: NDArray[np.int8]


def infer(params: PairLookup, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(x1, ("int8",))
    _check.require_dtype(x2, ("int8",))
    _check.require_array("table", params.table, ["int8"], (256, 256))
    return [(_check.broadcast(x1.shape, x2.shape), "int8")]


def reference(params: PairLookup, x1: AnyArray, x2: AnyArray) -> AnyArray:
    """Look every pair of values up: int8, shapes that broadcast."""
    found: AnyArray = params.table[x1.astype(np.int64) + 128, x2.astype(np.int64) + 128]
    return found
