"""SOFTMAX of int16: over the last axis, exponential and reciprocal from tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array, Requantization, requantize
from qembed.errors import ModelError
from qembed.fixed_point import count_leading_zeros
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check

MAX_ROW = 1 << 16  # longer rows could overflow the sum of exponentials


@dataclass(frozen=True, slots=True, eq=False)
class SoftmaxInt16:
    """Parameters of one layer. Output: scale 2**-15, zero point 0.

    Attributes
    ----------
    requantization : Requantization of 1 channel
        beta * input scale in steps of 10 / 65535.
    exp_table, reciprocal_table : int16 ndarray, shape (513,)
        exp(x) on [-10, 0], 1 / (1 + x) on [0, 1]: ``qembed.tables``.
    """

    requantization: Requantization
    exp_table: NDArray[np.int16]
    reciprocal_table: NDArray[np.int16]


def infer(params: SoftmaxInt16, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int16",))
    _check.require_requantization("requantization", params.requantization, 1)
    _check.require_integer_rounding("requantization", params.requantization)
    _check.require_array("exp_table", params.exp_table, ["int16"], (513,))
    _check.require_array("reciprocal_table", params.reciprocal_table, ["int16"], (513,))
    if min(int(params.exp_table.min()), int(params.reciprocal_table.min())) < 0:
        raise ModelError("the tables of softmax hold no negative values")
    if int(params.exp_table[-1]) < 1:
        raise ModelError("the exponential of 0 must not be 0")
    if not x.shape or x.shape[-1] > MAX_ROW:
        raise ModelError(f"softmax over {x.shape} needs 1 to {MAX_ROW} classes")
    return [(x.shape, "int16")]


def reference(params: SoftmaxInt16, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (39).

    Parameters
    ----------
    x : int16 ndarray, shape (..., C)

    Returns
    -------
    int16 ndarray, same shape
    """
    difference = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    scaled = requantize(difference, params.requantization)
    p = _lookup(params.exp_table, np.clip(scaled + 32767, -32768, 32767))
    total = p.sum(axis=-1, keepdims=True)

    headroom = count_leading_zeros(total)
    # The sum as 1 + s / 2**16, s in [0, 2**16).
    normal = ((total << (headroom - 1)) + (1 << 13)) >> 14
    reciprocal = _lookup(
        params.reciprocal_table, np.clip(normal - (1 << 15) - (1 << 16), -32768, 32767)
    )
    right = 31 - headroom
    y: Int64Array = (p * reciprocal + (np.int64(1) << (right - 1))) >> right
    return np.clip(y, 0, 32767).astype(np.int16)


def _lookup(table: NDArray[np.int16], x: Int64Array) -> Int64Array:
    """Interpolate between the entries of a table over the int16 range."""
    index = 256 + (x >> 7)
    entries = table.astype(np.int64)
    base: Int64Array = entries[index]
    slope: Int64Array = entries[index + 1] - base
    return base + ((slope * (x & 127) + 64) >> 7)
