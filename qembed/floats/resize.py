"""Images of another size: the nearest pixel, or a blend of the four around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qembed.errors import ModelError
from qembed.floats import _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.tflite.reader import Operator, Value

CODES = {"nearest": "RESIZE_NEAREST_NEIGHBOR", "bilinear": "RESIZE_BILINEAR"}


@dataclass(frozen=True, slots=True)
class Resize:
    """Parameters of one layer.

    Attributes
    ----------
    function : str
        A key of `CODES`.
    size : (int, int)
        Height, width of the output.
    align_corners : bool
        The corner pixels lie upon each other.
    half_pixel_centers : bool
        A pixel is meant to be at its centre.
    """

    function: str
    size: tuple[int, int]
    align_corners: bool = False
    half_pixel_centers: bool = False


def infer(params: Resize, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    if params.function not in CODES or len(x.shape) != 4 or min(params.size) < 1:
        raise ModelError(f"an input {x.shape} cannot be resized to {params.size}")
    if params.align_corners and params.half_pixel_centers:
        raise ModelError("align_corners and half_pixel_centers exclude each other")
    return [((x.shape[0], *params.size, x.shape[3]), "float32")]


def forward(params: Resize, x: AnyArray) -> AnyArray:
    """Resize a batch: (B, N, H, W, C) to (B, N, OH, OW, C)."""
    for axis in (2, 3):
        x = _along(params, x, axis, params.size[axis - 2])
    return x


def _along(params: Resize, x: AnyArray, axis: int, after: int) -> AnyArray:
    before = x.shape[axis]
    aligned = params.align_corners and after > 1
    scale = (before - 1) / (after - 1) if aligned else before / after
    at = np.arange(after, dtype=np.float64)
    if params.function == "nearest":
        half = 0.5 if params.half_pixel_centers else 0.0
        position = np.floor((at + half) * scale + (0.5 if params.align_corners else 0.0))
        nearest: AnyArray = np.take(x, np.clip(position, 0, before - 1).astype(np.intp), axis=axis)
        return nearest
    at = (at + 0.5) * scale - 0.5 if params.half_pixel_centers else at * scale
    at = np.clip(at, 0, before - 1)
    low = np.floor(at).astype(np.intp)
    share = (at - low).astype(np.float32)
    shape: Any = [-1 if i == axis else 1 for i in range(x.ndim)]
    share = share.reshape(shape)
    high = np.take(x, np.minimum(low + 1, before - 1), axis=axis)
    return np.asarray(np.take(x, low, axis=axis) * (1 - share) + high * share, np.float32)


def lower(params: Resize, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one operator."""
    size = _lower.integers(f"{output.name}/size", params.size)
    layer = _lower.operator(
        CODES[params.function],
        [*inputs, size],
        [output],
        align_corners=int(params.align_corners),
        half_pixel_centers=int(params.half_pixel_centers),
    )
    return [layer]
