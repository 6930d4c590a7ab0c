"""Geometry of sliding windows: shared by convolutions and pooling."""

from __future__ import annotations

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray, Padding2D, Shape

# Of window, stride, dilation and padding: enough for any image, and sizes stay far below 2**31.
MAX_PIXELS = (1 << 15) - 1


def output_size(
    shape: Shape,
    window: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: Padding2D,
) -> tuple[int, int]:
    """Return (OH, OW) of a window sliding over an NHWC shape."""
    if len(shape) != 4:
        raise ModelError(f"input has shape {shape}; this operator needs four dimensions (NHWC)")
    if min(*window, *stride, *dilation) < 1 or min(min(edge) for edge in padding) < 0:
        raise ModelError("window, stride and dilation must be at least 1, padding at least 0")
    if max(*window, *stride, *dilation, *padding[0], *padding[1]) > MAX_PIXELS:
        raise ModelError(f"window, stride, dilation or padding is above {MAX_PIXELS}")
    sizes = []
    for axis in (0, 1):
        extent = dilation[axis] * (window[axis] - 1) + 1
        room = shape[1 + axis] + sum(padding[axis]) - extent
        if room < 0:
            raise ModelError(f"window of {extent} pixels does not fit in the padded input {shape}")
        sizes.append(room // stride[axis] + 1)
    return sizes[0], sizes[1]


def tap(
    padded: AnyArray,
    at: tuple[int, int],
    size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> AnyArray:
    """View of what window position `at` (ky, kx) sees: (N, OH, OW, C) of a padded NHWC array."""
    rows, columns = (
        slice(k * d, k * d + s * (n - 1) + 1, s)
        for k, d, s, n in zip(at, dilation, stride, size, strict=True)
    )
    return padded[:, rows, columns, :]


def pad(x: AnyArray, padding: Padding2D, value: int) -> AnyArray:
    """Pad the two spatial axes of an NHWC array with `value`."""
    return np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value)
