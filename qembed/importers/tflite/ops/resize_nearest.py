"""RESIZE_NEAREST_NEIGHBOR to `qembed.ops.resize_nearest`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops._windows import MAX_PIXELS
from qembed.ops.resize_nearest import ResizeNearest
from qembed.tflite.reader import Operator, Value


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Work out positions on both axes, in float32 as TFLite Micro does: equation (32)."""
    x, y, size = images(op, ("int8", "int16"))
    rows, columns = (_positions(op, x.shape[1 + axis], size[axis]) for axis in (0, 1))
    return [Step("resize_nearest", ResizeNearest(rows, columns), (x,), (y,))]


def images(op: Operator, dtypes: Sequence[str]) -> tuple[Value, Value, tuple[int, ...]]:
    """Return input, output and the size (height, width) that the output shall have."""
    x, y = values.operand(op, 0, dtypes), values.result(op)
    values.require_tied(x, y)
    size = values.integers(values.operand(op, 1, ("int32",)))
    if len(x.shape) != 4 or len(size) != 2 or not 1 <= min(size) <= max(size) <= MAX_PIXELS:
        raise ModelError(f"{values.describe(x)} cannot be resized to {size}")
    if op.options["align_corners"] and op.options["half_pixel_centers"]:
        raise ModelError("align_corners and half_pixel_centers exclude each other")
    return x, y, size


def _positions(op: Operator, before: int, after: int) -> NDArray[np.int32]:
    f32 = np.float32
    aligned = op.options["align_corners"] and after > 1
    scale = f32(before - 1) / f32(after - 1) if aligned else f32(before) / f32(after)
    half = f32(0.5 if op.options["half_pixel_centers"] else 0.0)
    at = (np.arange(after).astype(f32) + half) * scale
    position = np.floor(at.astype(np.float64) + (0.5 if op.options["align_corners"] else 0.0))
    return np.clip(position, 0, before - 1).astype(np.int32)
