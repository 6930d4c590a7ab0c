"""DynamicQuantizeLinear: quantize real numbers on a scale that their own range gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True)
class DynamicQuantize:
    """It has no parameters."""


def infer(params: DynamicQuantize, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("float32",))
    return [(x.shape, "int8"), ((), "float32"), ((), "int8")]


def reference(params: DynamicQuantize, x: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Run the layer by its definition: equation (47).

    Parameters
    ----------
    x : float32 ndarray, any shape
        What is not a number does not count for the range, and becomes the smallest value.

    Returns
    -------
    int8 ndarray of the same shape, float32 scale, int8 zero point
    """
    zero = np.float32(0)
    with np.errstate(all="ignore"):
        low = np.fmin(np.fmin.reduce(x, axis=None), zero)
        high = np.fmax(np.fmax.reduce(x, axis=None), zero)
        scale = np.float32((high - low) / np.float32(255)) if high != low else np.float32(1)
        point = np.clip(np.rint(zero - low / scale), 0, 255)
        point = np.float32(0) if np.isnan(point) else point
        steps = np.nan_to_num(np.rint(x / scale), nan=-512.0, posinf=512.0, neginf=-512.0)
    y = np.clip(np.clip(steps, -512, 512) + point, 0, 255)
    return (
        (y.astype(np.int16) - 128).astype(np.int8),
        np.array(scale, np.float32),
        np.array(int(point) - 128, np.int8),
    )
