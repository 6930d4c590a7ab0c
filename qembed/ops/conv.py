"""CONV_2D: NHWC activations, OHWI weights, groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, requantize
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Padding2D, Shape, Tensor
from qembed.ops import _accumulator, _check, _windows


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """Parameters of one layer. G = C / I groups; output channel o belongs to group o // (O / G).

    Attributes
    ----------
    weights : int8 ndarray, shape (O, KH, KW, I)
        Zero point 0. With `weight_bits` 4 every value is in [-8, 7].
    bias : int32 or int64 ndarray, shape (O,)
        In accumulator steps: input scale * weight scale.
    requantization : Requantization of O channels
        Rounding "wide" if and only if the bias is int64.
    stride, dilation : (int, int)
        Height, width; in pixels.
    padding : Padding2D
        In pixels; padded positions contribute nothing.
    input_zero_point, output_zero_point : int
        In the range of the activation type.
    activation_range : (int, int)
        Inclusive clamp of the output, in output steps.
    weight_bits : int
        8, or 4: how the device stores the weights.
    weight_scale : float32 ndarray, shape (O,) or (1,), optional
        Explains the weights; not used by the arithmetic.
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


def infer(params: Conv, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    _check.require_array("weights", params.weights, ["int8"], (-1, -1, -1, -1))
    out_c, kh, kw, in_c = params.weights.shape
    size = _windows.output_size(x.shape, (kh, kw), params.stride, params.dilation, params.padding)
    groups, rest = divmod(x.shape[3], in_c)
    if rest or out_c % groups:
        raise ModelError(
            f"weights {params.weights.shape} do not divide {x.shape[3]} input channels into groups"
        )
    check_accumulation(params, rows(params), x.dtype)
    return [((x.shape[0], *size, out_c), x.dtype)]


def check_accumulation(params: Any, rows: NDArray[np.int8], dtype: DType) -> None:
    """Check bias, requantization, zero points, clamp and overflow of a layer that sums products.

    `rows` are its weights, shape (O, K): those that output channel o sums.
    """
    channels = rows.shape[0]
    _check.require_array("bias", params.bias, ["int32", "int64"], (channels,))
    _check.require_requantization("requantization", params.requantization, channels)
    if (params.requantization.rounding == "wide") != (params.bias.dtype == np.int64):
        raise ModelError("rounding 'wide' goes with an int64 bias, the others with int32")
    _check.require_in_range("input zero point", params.input_zero_point, dtype)
    _check.require_in_range("output zero point", params.output_zero_point, dtype)
    _check.require_activation_range(params.activation_range, dtype)
    if params.weight_bits not in (4, 8):
        raise ModelError(f"weight_bits is {params.weight_bits}, must be 4 or 8")
    if params.weight_bits == 4 and bool(np.any((params.weights < -8) | (params.weights > 7))):
        raise ModelError("weight_bits is 4 but a weight is outside [-8, 7]")
    _accumulator.require_no_overflow(
        _accumulator.bounds(rows, params.bias, params.input_zero_point, dtype)
    )


def rows(params: Conv) -> NDArray[np.int8]:
    """Weights that each output channel sums, (O, K)."""
    return params.weights.reshape(params.weights.shape[0], -1)


def macs(params: Conv, x: Tensor, y: Tensor) -> int:
    """Multiply-accumulates of one sample, padding counted."""
    return math.prod(y.shape) * math.prod(params.weights.shape[1:])


def accumulate(params: Conv, x: AnyArray) -> NDArray[np.int64]:
    """Exact sums before requantization, (N, OH, OW, O), one window position at a time."""
    out_c, kh, kw, in_c = params.weights.shape
    groups = x.shape[3] // in_c
    real_x = x.astype(np.int64) - params.input_zero_point
    size = _windows.output_size(x.shape, (kh, kw), params.stride, params.dilation, params.padding)
    padded = _windows.pad(real_x, params.padding, 0)
    weights = params.weights.astype(np.int64).reshape(groups, out_c // groups, kh, kw, in_c)

    acc = np.zeros((x.shape[0], *size, groups, out_c // groups), np.int64)
    for ky, kx in np.ndindex(kh, kw):
        seen = _windows.tap(padded, (ky, kx), size, params.stride, params.dilation)
        seen = seen.reshape(*seen.shape[:3], groups, in_c)
        acc += np.einsum("nyxgi,goi->nyxgo", seen, weights[:, :, ky, kx, :])
    return acc.reshape(x.shape[0], *size, out_c) + params.bias.astype(np.int64)


def reference(params: Conv, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (7).

    Parameters
    ----------
    x : int8 or int16 ndarray, shape (N, H, W, C)

    Returns
    -------
    ndarray of the same type, shape (N, OH, OW, O)
    """
    y = requantize(accumulate(params, x), params.requantization) + params.output_zero_point
    return np.clip(y, *params.activation_range).astype(x.dtype)
