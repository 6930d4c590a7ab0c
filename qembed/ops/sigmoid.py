"""LOGISTIC and TANH of int16: a table of 256 entries, interpolated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.fixed_point import logistic_int16, tanh_int16
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True, eq=False)
class Sigmoid:
    """Parameters of one layer. Output: scale 2**-15, zero point 0.

    Attributes
    ----------
    function : "logistic" or "tanh"
    multiplier, shift : int
        ``(x * multiplier + 2**shift / 2) >> shift`` counts x in steps of 1 / (3 * 2**12).
        At least 0; multiplier below 2**15, shift at most 31.
    table : uint16 ndarray, shape (256,)
        ``qembed.tables.sigmoid_int16``.
    """

    function: Literal["logistic", "tanh"]
    multiplier: int
    shift: int
    table: NDArray[np.uint16]


def infer(params: Sigmoid, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int16",))
    if params.function not in ("logistic", "tanh"):
        raise ModelError(f"function '{params.function}' is neither 'logistic' nor 'tanh'")
    if not (0 <= params.multiplier < 1 << 15 and 0 <= params.shift <= 31):
        raise ModelError("it needs a multiplier in [0, 2**15) and a shift in [0, 31]")
    _check.require_array("table", params.table, ["uint16"], (256,))
    return [(x.shape, "int16")]


def reference(params: Sigmoid, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (38). `x`: int16, any shape."""
    function = logistic_int16 if params.function == "logistic" else tanh_int16
    y = function(x.astype(np.int64), params.multiplier, params.shift, params.table)
    return y.astype(np.int16)
