"""Sliding windows over batches of images, as matrix products want them."""

from __future__ import annotations

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray, Padding2D, Tensor
from qembed.ops import _windows

BLOCK_BYTES = 16 << 20
"""Columns are laid out for so many images at a time that they take about this much."""


def images(x: AnyArray) -> AnyArray:
    """Merge the axis of samples with that of images: (B, N, H, W, C) to (B * N, H, W, C)."""
    return x.reshape(-1, *x.shape[2:])


def columns(
    x: AnyArray,
    window: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: Padding2D,
) -> AnyArray:
    """Lay out what every position of the window sees: (N, OH, OW, KH * KW, C) of NHWC images."""
    size = _windows.output_size(x.shape, window, stride, dilation, padding)
    padded = _windows.pad(x, padding, 0)
    seen = np.empty((x.shape[0], *size, window[0] * window[1], x.shape[3]), x.dtype)
    for number, at in enumerate(np.ndindex(*window)):
        seen[:, :, :, number] = _windows.tap(padded, at, size, stride, dilation)
    return seen


def blocks(count: int, bytes_each: int) -> list[slice]:
    """Cut `count` images into blocks of about `BLOCK_BYTES` of columns."""
    step = max(1, BLOCK_BYTES // max(1, bytes_each))
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def require_layer(weights: AnyArray, bias: AnyArray, rank: int, channels: int) -> None:
    """Refuse weights and bias that are not float32, of another rank, or not finite."""
    for what, array in (("weights", weights), ("bias", bias)):
        if array.dtype != np.float32 or not bool(np.isfinite(array).all()):
            raise ModelError(f"{what} must be finite float32 numbers")
    if weights.ndim != rank or 0 in weights.shape or bias.shape != (channels,):
        raise ModelError(f"weights {weights.shape} and bias {bias.shape} do not fit each other")


def require_float(*tensors: Tensor) -> None:
    """Refuse a tensor that is not float32."""
    for tensor in tensors:
        if tensor.dtype != "float32":
            raise ModelError(f"tensor '{tensor.name}' is {tensor.dtype}, must be float32 here")
