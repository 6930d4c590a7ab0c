"""FULLY_CONNECTED: rows of the input times OI weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check
from qembed.ops.conv import check_accumulation


@dataclass(frozen=True, slots=True, eq=False)
class FullyConnected:
    """Parameters of one layer.

    Attributes
    ----------
    weights : int8 ndarray, shape (O, I)
        Zero point 0 (an importer folds another one in, or refuses).
    keep_dims : bool
        True: output is (..., O); False: (rows, O), rows = all of the input / I.
    bias, requantization, input_zero_point, output_zero_point, activation_range, weight_bits,
    weight_scale
        As in `qembed.ops.conv.Conv`.
    """

    weights: NDArray[np.int8]
    bias: NDArray[Any]
    requantization: Requantization
    input_zero_point: int
    output_zero_point: int
    activation_range: tuple[int, int]
    keep_dims: bool = False
    weight_bits: int = 8
    weight_scale: NDArray[np.float32] | None = None


def infer(params: FullyConnected, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    _check.require_array("weights", params.weights, ["int8"], (-1, -1))
    out_c, in_c = params.weights.shape
    size = math.prod(x.shape)
    if size % in_c or (params.keep_dims and x.shape[-1:] != (in_c,)):
        raise ModelError(f"input {x.shape} cannot be cut into rows of {in_c} values")
    check_accumulation(params, rows(params), x.dtype)
    shape = (*x.shape[:-1], out_c) if params.keep_dims else (size // in_c, out_c)
    return [(shape, x.dtype)]


def rows(params: FullyConnected) -> NDArray[np.int8]:
    """Weights that each output channel sums, (O, K)."""
    return params.weights


def macs(params: FullyConnected, x: Tensor, y: Tensor) -> int:
    """Multiply-accumulates of one sample."""
    return math.prod(y.shape) * int(params.weights.shape[1])


def accumulate(params: FullyConnected, x: AnyArray) -> NDArray[np.int64]:
    """Exact sums before requantization, (rows, O)."""
    rows = x.reshape(-1, params.weights.shape[1]).astype(np.int64) - params.input_zero_point
    return rows @ params.weights.astype(np.int64).T + params.bias.astype(np.int64)


def reference(params: FullyConnected, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (9).

    Parameters
    ----------
    x : int8 or int16 ndarray, shape (..., I)

    Returns
    -------
    ndarray of the same type, shape (rows, O), or (..., O) with `keep_dims`
    """
    y = requantize(accumulate(params, x), params.requantization) + params.output_zero_point
    y = np.clip(y, *params.activation_range).astype(x.dtype)
    return y.reshape(*x.shape[:-1], -1) if params.keep_dims else y
