"""TRANSPOSE_CONV: every input pixel spreads over a window of the output; NHWC, OHWI weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check, _windows
from qembed.ops.conv import check_accumulation


@dataclass(frozen=True, slots=True, eq=False)
class TransposeConv:
    """Parameters of one layer.

    Attributes
    ----------
    weights : int8 ndarray, shape (O, KH, KW, I)
    output_size : (int, int)
        Height, width.
    stride : (int, int)
        Height, width: between the windows of neighbouring input pixels.
    offset : (int, int)
        Top, left: how far the first window begins before the output. What falls outside is lost.
    bias, requantization, input_zero_point, output_zero_point, activation_range, weight_bits,
    weight_scale
        As in `qembed.ops.conv.Conv`.
    """

    weights: NDArray[np.int8]
    bias: NDArray[Any]
    requantization: Requantization
    output_size: tuple[int, int]
    stride: tuple[int, int]
    offset: tuple[int, int]
    input_zero_point: int
    output_zero_point: int
    activation_range: tuple[int, int]
    weight_bits: int = 8
    weight_scale: NDArray[np.float32] | None = None


def infer(params: TransposeConv, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    _check.require_array("weights", params.weights, ["int8"], (-1, -1, -1, -1))
    if len(x.shape) != 4 or x.shape[3] != params.weights.shape[3]:
        raise ModelError(f"input {x.shape} does not fit the weights {params.weights.shape}")
    if min(*params.output_size, *params.stride) < 1 or min(params.offset) < 0:
        raise ModelError("output size and stride must be at least 1, offset at least 0")
    if max(*params.output_size, *params.stride, *params.offset) > _windows.MAX_PIXELS:
        raise ModelError(f"output size, stride or offset is above {_windows.MAX_PIXELS}")
    check_accumulation(params, rows(params), x.dtype)
    return [((x.shape[0], *params.output_size, params.weights.shape[0]), x.dtype)]


def rows(params: TransposeConv) -> AnyArray:
    """Weights that each output channel may sum, shape (O, K)."""
    return params.weights.reshape(params.weights.shape[0], -1)


def macs(params: TransposeConv, x: Tensor, y: Tensor) -> int:
    """Multiply-accumulates of one sample, those outside the output counted."""
    return math.prod(x.shape) * math.prod(params.weights.shape[:3])


def accumulate(params: TransposeConv, x: AnyArray) -> NDArray[np.int64]:
    """Exact sums before requantization, (N, OH, OW, O), one window position at a time."""
    out_c, kh, kw, _ = params.weights.shape
    n, h, w, _ = x.shape
    real_x = x.astype(np.int64) - params.input_zero_point
    weights = params.weights.astype(np.int64)
    spread = (h - 1) * params.stride[0] + kh, (w - 1) * params.stride[1] + kw
    top, left = params.offset
    height = max(spread[0], params.output_size[0] + top)
    width = max(spread[1], params.output_size[1] + left)
    acc = np.zeros((n, height, width, out_c), np.int64)
    for at in np.ndindex(kh, kw):
        seen = _windows.tap(acc, at, (h, w), params.stride, (1, 1))
        seen += np.einsum("nyxi,oi->nyxo", real_x, weights[:, at[0], at[1], :])
    kept = acc[:, top : top + params.output_size[0], left : left + params.output_size[1]]
    return kept + params.bias.astype(np.int64)


def reference(params: TransposeConv, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (34).

    Parameters
    ----------
    x : int8 or int16 ndarray, shape (N, H, W, I)

    Returns
    -------
    ndarray of the same type, shape (N, OH, OW, O)
    """
    y = requantize(accumulate(params, x), params.requantization) + params.output_zero_point
    return np.clip(y, *params.activation_range).astype(x.dtype)
