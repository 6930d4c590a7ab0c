"""AVERAGE_POOL_2D: mean of the raw values in a window; padding is not counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.ir import AnyArray, DType, Padding2D, Shape, Tensor
from qembed.ops import _check, _windows


@dataclass(frozen=True, slots=True)
class AveragePool:
    """Parameters of one layer; input and output have the same scale and zero point.

    Attributes
    ----------
    window, stride : (int, int)
        Height, width; in pixels.
    padding : Padding2D
    activation_range : (int, int)
        Inclusive clamp of the output.
    """

    window: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding2D
    activation_range: tuple[int, int]


def infer(params: AveragePool, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    size = _windows.output_size(x.shape, params.window, params.stride, (1, 1), params.padding)
    _check.require_window_overlap(x.shape, params.window, params.padding)
    _check.require_activation_range(params.activation_range, x.dtype)
    return [((x.shape[0], *size, x.shape[3]), x.dtype)]


def totals(params: AveragePool, x: AnyArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum of the window of each output, and how many values of the input it has."""
    size = _windows.output_size(x.shape, params.window, params.stride, (1, 1), params.padding)
    values = _windows.pad(x.astype(np.int64), params.padding, 0)
    inside = _windows.pad(np.ones_like(x, np.int64), params.padding, 0)
    total = np.zeros((x.shape[0], *size, x.shape[3]), np.int64)
    count = np.zeros_like(total)
    for at in np.ndindex(*params.window):
        total += _windows.tap(values, at, size, params.stride, (1, 1))
        count += _windows.tap(inside, at, size, params.stride, (1, 1))
    return total, count


def reference(params: AveragePool, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (10), ties away from zero of the raw value.

    Parameters
    ----------
    x : int8 or int16 ndarray, shape (N, H, W, C)

    Returns
    -------
    ndarray of the same type, shape (N, OH, OW, C)
    """
    total, count = totals(params, x)
    y: NDArray[np.int64] = np.sign(total) * ((np.abs(total) + count // 2) // count)
    return np.clip(y, *params.activation_range).astype(x.dtype)
