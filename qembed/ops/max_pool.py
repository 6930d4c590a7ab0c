"""MAX_POOL_2D: largest raw value in a window; padding is not counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.ir import AnyArray, DType, Padding2D, Shape, Tensor
from qembed.ops import _check, _windows


@dataclass(frozen=True, slots=True)
class MaxPool:
    """Parameters of one layer: as in `qembed.ops.average_pool.AveragePool`."""

    window: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding2D
    activation_range: tuple[int, int]


def infer(params: MaxPool, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    size = _windows.output_size(x.shape, params.window, params.stride, (1, 1), params.padding)
    _check.require_window_overlap(x.shape, params.window, params.padding)
    _check.require_activation_range(params.activation_range, x.dtype)
    return [((x.shape[0], *size, x.shape[3]), x.dtype)]


def reference(params: MaxPool, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (11).

    Parameters
    ----------
    x : int8 or int16 ndarray, shape (N, H, W, C)

    Returns
    -------
    ndarray of the same type, shape (N, OH, OW, C)
    """
    size = _windows.output_size(x.shape, params.window, params.stride, (1, 1), params.padding)
    padded = _windows.pad(x, params.padding, np.iinfo(x.dtype).min)
    taps = [
        _windows.tap(padded, at, size, params.stride, (1, 1)) for at in np.ndindex(*params.window)
    ]
    y: AnyArray = np.clip(np.max(taps, axis=0), *params.activation_range)
    return y.astype(x.dtype)
