"""L2_NORMALIZATION: every row of the last axis scaled to length 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.arithmetic import Requantization, requantize
from qembed.errors import ModelError
from qembed.fixed_point import inverse_square_root
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check

MAX_ROW = (1 << 31) // (255 * 255)  # longer rows could overflow the sum of squares


@dataclass(frozen=True, slots=True)
class L2Normalization:
    """Parameters of one layer. Output: scale 2**-7, zero point 0."""

    input_zero_point: int


def infer(params: L2Normalization, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8",))
    _check.require_in_range("input zero point", params.input_zero_point, x.dtype)
    if not x.shape or x.shape[-1] > MAX_ROW:
        raise ModelError(f"rows of {x.shape} must have 1 to {MAX_ROW} values")
    return [(x.shape, "int8")]


def reference(params: L2Normalization, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (30).

    Parameters
    ----------
    x : int8 ndarray, shape (..., C)

    Returns
    -------
    int8 ndarray, same shape
    """
    rows = x.reshape(-1, x.shape[-1]).astype(np.int64) - params.input_zero_point
    y = np.empty(rows.shape, np.int8)
    for row, out in zip(rows, y, strict=True):
        multiplier, shift = inverse_square_root(int(row @ row))
        by = Requantization(
            np.array([multiplier], np.int32), np.array([shift + 7], np.int32), "double"
        )
        out[:] = np.clip(requantize(row, by), -128, 127)
    return y.reshape(x.shape)
