"""Functions of one int8 value (LOGISTIC, TANH, ELU, HARD_SWISH, LEAKY_RELU, ...): a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """Parameters of one layer: ``y = table[x + 128]``.

    Attributes
    ----------
    table : int8 ndarray, shape (256,)
        Made by ``qembed.tables`` from the function and both quantizations.
    """

    table: NDArray[np.int8]


def infer(params: Lookup, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8",))
    _check.require_array("table", params.table, ["int8"], (256,))
    return [(x.shape, "int8")]


def reference(params: Lookup, x: AnyArray) -> AnyArray:
    """Look every value of `x` up: int8, any shape."""
    found: AnyArray = params.table[x.astype(np.int64) + 128]
    return found
