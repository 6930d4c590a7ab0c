"""ConvInteger: a convolution that ends with its int32 sums; the zero point is an input."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Padding2D, Shape, Tensor
from qembed.ops import _accumulator, _check, _windows


@dataclass(frozen=True, slots=True, eq=False)
class ConvInteger:
    """Parameters of one layer. G = C / I groups; output channel o belongs to group o // (O / G).

    Attributes
    ----------
    weights : int8 ndarray, shape (O, KH, KW, I)
        Zero point 0.
    stride, dilation : (int, int)
        Height, width; in pixels.
    padding : Padding2D
        In pixels; padded positions contribute nothing.
    """

    weights: NDArray[np.int8]
    stride: tuple[int, int]
    padding: Padding2D
    dilation: tuple[int, int] = (1, 1)


def infer(params: ConvInteger, x: Tensor, zero_point: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(x, ("int8",))
    _check.require_dtype(zero_point, ("int8",))
    if zero_point.shape != ():
        raise ModelError(f"the zero point has shape {zero_point.shape}, must be one value")
    _check.require_array("weights", params.weights, ["int8"], (-1, -1, -1, -1))
    out_c, kh, kw, in_c = params.weights.shape
    size = _windows.output_size(x.shape, (kh, kw), params.stride, params.dilation, params.padding)
    groups, rest = divmod(x.shape[3], in_c)
    if rest or out_c % groups:
        raise ModelError(
            f"weights {params.weights.shape} do not divide {x.shape[3]} input channels into groups"
        )
    for farthest in _check.limits("int8"):
        reach = _accumulator.bounds(
            params.weights.reshape(out_c, -1), np.zeros(out_c, np.int32), farthest, "int8"
        )
        _accumulator.require_no_overflow(reach)
    return [((x.shape[0], *size, out_c), "int32")]


def macs(params: ConvInteger, x: Tensor, zero_point: Tensor, y: Tensor) -> int:
    """Multiply-accumulates of one sample, padding counted."""
    return math.prod(y.shape) * math.prod(params.weights.shape[1:])


def reference(params: ConvInteger, x: AnyArray, zero_point: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (45).

    Parameters
    ----------
    x : int8 ndarray, shape (N, H, W, C)
    zero_point : int8 ndarray, shape ()

    Returns
    -------
    int32 ndarray, shape (N, OH, OW, O)
    """
    out_c, kh, kw, in_c = params.weights.shape
    groups = x.shape[3] // in_c
    size = _windows.output_size(x.shape, (kh, kw), params.stride, params.dilation, params.padding)
    padded = _windows.pad(x.astype(np.int64) - int(zero_point), params.padding, 0)
    weights = params.weights.astype(np.int64).reshape(groups, out_c // groups, kh, kw, in_c)
    acc = np.zeros((x.shape[0], *size, groups, out_c // groups), np.int64)
    for ky, kx in np.ndindex(kh, kw):
        seen = _windows.tap(padded, (ky, kx), size, params.stride, params.dilation)
        seen = seen.reshape(*seen.shape[:3], groups, in_c)
        acc += np.einsum("nyxgi,goi->nyxgo", seen, weights[:, :, ky, kx, :])
    return acc.reshape(x.shape[0], *size, out_c).astype(np.int32)
