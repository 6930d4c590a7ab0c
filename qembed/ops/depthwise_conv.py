"""DEPTHWISE_CONV_2D: one filter per output channel, NHWC activations, HWO weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Padding2D, Shape, Tensor
from qembed.ops import _check, _windows
from qembed.ops.conv import check_accumulation


@dataclass(frozen=True, slots=True, eq=False)
class DepthwiseConv:
    """Parameters of one layer. O = C * M; output channel o reads input channel o // M.

    Attributes
    ----------
    weights : int8 ndarray, shape (KH, KW, O)
    bias, requantization, stride, dilation, padding, input_zero_point, output_zero_point,
    activation_range, weight_bits, weight_scale
        As in `qembed.ops.conv.Conv`.
    """

    weights: NDArray[np.int8]
    bias: NDArray[Any]
    requantization: Requantization
    stride: tuple[int, int]
    padding: Padding2D
    input_zero_point: int
    output_zero_point: int
    activation_range: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    weight_bits: int = 8
    weight_scale: NDArray[np.float32] | None = None


def infer(params: DepthwiseConv, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    _check.require_array("weights", params.weights, ["int8"], (-1, -1, -1))
    kh, kw, out_c = params.weights.shape
    size = _windows.output_size(x.shape, (kh, kw), params.stride, params.dilation, params.padding)
    if out_c % x.shape[3]:
        raise ModelError(
            f"weights have {out_c} channels, not a multiple of the input's {x.shape[3]}"
        )
    check_accumulation(params, rows(params), x.dtype)
    return [((x.shape[0], *size, out_c), x.dtype)]


def rows(params: DepthwiseConv) -> NDArray[np.int8]:
    """Weights that each output channel sums, (O, K)."""
    return params.weights.reshape(-1, params.weights.shape[2]).T


def macs(params: DepthwiseConv, x: Tensor, y: Tensor) -> int:
    """Multiply-accumulates of one sample, padding counted."""
    return math.prod(y.shape) * math.prod(params.weights.shape[:2])


def accumulate(params: DepthwiseConv, x: AnyArray) -> NDArray[np.int64]:
    """Exact sums before requantization, (N, OH, OW, O), one window position at a time."""
    kh, kw, out_c = params.weights.shape
    size = _windows.output_size(x.shape, (kh, kw), params.stride, params.dilation, params.padding)
    real_x = np.repeat(x.astype(np.int64) - params.input_zero_point, out_c // x.shape[3], axis=3)
    padded = _windows.pad(real_x, params.padding, 0)

    acc = np.zeros((x.shape[0], *size, out_c), np.int64)
    for ky, kx in np.ndindex(kh, kw):
        seen = _windows.tap(padded, (ky, kx), size, params.stride, params.dilation)
        acc += seen * params.weights[ky, kx].astype(np.int64)
    return acc + params.bias.astype(np.int64)


def reference(params: DepthwiseConv, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (8).

    Parameters
    ----------
    x : int8 or int16 ndarray, shape (N, H, W, C)

    Returns
    -------
    ndarray of the same type, shape (N, OH, OW, O)
    """
    y = requantize(accumulate(params, x), params.requantization) + params.output_zero_point
    return np.clip(y, *params.activation_range).astype(x.dtype)
