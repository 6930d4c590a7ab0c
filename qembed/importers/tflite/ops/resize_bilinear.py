"""RESIZE_BILINEAR to `qembed.ops.resize_bilinear`."""

from __future__ import annotations

from typing import Literal

import numpy as np

from qembed.errors import ModelError
from qembed.importers.tflite.ops.resize_nearest import images
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.resize_bilinear import ONE, Places, ResizeBilinear
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Work out positions on both axes in steps of 1/1024 pixel: equation (33)."""
    x, y, size = images(op, ("int8",))
    rows, columns = (_places(op, x.shape[1 + axis], size[axis]) for axis in (0, 1))
    rounding: Literal["double", "single"] = "single" if numerics.rounding == "single" else "double"
    params = ResizeBilinear(rows, columns, rounding)
    return [Step("resize_bilinear", params, (x,), (y,))]


def _places(op: Operator, before: int, after: int) -> Places:
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
