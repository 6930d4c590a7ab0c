"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR to the operators of these names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.reader import Operator, Value
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops._windows import MAX_PIXELS
from qembed.ops.resize_bilinear import ONE, Places, ResizeBilinear
from qembed.ops.resize_nearest import ResizeNearest

# What TFLite Micro resizes.
DTYPES = {"RESIZE_NEAREST_NEIGHBOR": ("int8", "int16"), "RESIZE_BILINEAR": ("int8",)}


def convert_nearest(op: Operator, numerics: Numerics) -> list[Step]:
    """Work out positions on both axes, in float32 as TFLite Micro does: equation (32)."""
    x, y, size = _images(op)
    rows, columns = (_nearest(op, x.shape[1 + axis], size[axis]) for axis in (0, 1))
    return [Step("resize_nearest", ResizeNearest(rows, columns), (x,), (y,))]


def convert_bilinear(op: Operator, numerics: Numerics) -> list[Step]:
    """Work out positions on both axes in steps of 1/1024 pixel: equation (33)."""
    x, y, size = _images(op)
    rows, columns = (_bilinear(op, x.shape[1 + axis], size[axis]) for axis in (0, 1))
    rounding = "single" if numerics.rounding == "single" else "double"
    params = ResizeBilinear(rows, columns, rounding)  # type: ignore[arg-type]
    return [Step("resize_bilinear", params, (x,), (y,))]


def _images(op: Operator) -> tuple[Value, Value, tuple[int, ...]]:
    x, y = values.operand(op, 0, DTYPES[op.code]), values.result(op)
    values.require_tied(x, y)
    size = values.integers(values.operand(op, 1, ("int32",)))
    if len(x.shape) != 4 or len(size) != 2 or not 1 <= min(size) <= max(size) <= MAX_PIXELS:
        raise ModelError(f"{values.describe(x)} cannot be resized to {size}")
    if op.options["align_corners"] and op.options["half_pixel_centers"]:
        raise ModelError("align_corners and half_pixel_centers exclude each other")
    return x, y, size


def _nearest(op: Operator, before: int, after: int) -> NDArray[np.int32]:
    f32 = np.float32
    aligned = op.options["align_corners"] and after > 1
    scale = f32(before - 1) / f32(after - 1) if aligned else f32(before) / f32(after)
    half = f32(0.5 if op.options["half_pixel_centers"] else 0.0)
    at = (np.arange(after).astype(f32) + half) * scale
    position = np.floor(at.astype(np.float64) + (0.5 if op.options["align_corners"] else 0.0))
    return np.clip(position, 0, before - 1).astype(np.int32)


def _bilinear(op: Operator, before: int, after: int) -> Places:
    aligned = op.options["align_corners"] and after > 1
    spans = (before - 1, after - 1) if aligned else (before, after)
    scale = (ONE * spans[0] + spans[1] // 2) // spans[1]
    at = np.arange(after, dtype=np.int64) * scale
    if op.options["half_pixel_centers"]:
        at += scale // 2 - ONE // 2
    # C divides towards zero; below zero that matters, but is clamped to zero anyway.
    low = np.maximum(at // ONE, 0)
    high = np.minimum(np.maximum((at + ONE - 1) // ONE, 0), before - 1)
    if int(low.max()) >= before:
        raise ModelError(f"resizing {before} to {after} pixels reads outside in TFLite Micro")
    fraction = at - ONE * low
    # Beyond the last pixel both positions are the same and the fraction means nothing.
    fraction = np.where(low == high, np.clip(fraction, -ONE, ONE), fraction)
    return Places(low.astype(np.int32), high.astype(np.int32), fraction.astype(np.int32))
