"""Leaky rectifier with a slope of its own for each channel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.floats import _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops._check import broadcast
from qembed.tflite.reader import Operator, Value


@dataclass(frozen=True, slots=True, eq=False)
class Prelu:
    """Parameters of one layer: slopes of negative values, broadcast against the input."""

    alpha: NDArray[np.float32]


def infer(params: Prelu, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    if params.alpha.dtype != np.float32 or not bool(np.isfinite(params.alpha).all()):
        raise ModelError("slopes must be finite float32 numbers")
    if broadcast(x.shape, params.alpha.shape) != x.shape:
        raise ModelError(f"slopes {params.alpha.shape} do not fit the input {x.shape}")
    return [(x.shape, "float32")]


def forward(params: Prelu, x: AnyArray) -> AnyArray:
    """Apply the function to a batch."""
    return np.where(x < 0, x * params.alpha, x)


def lower(params: Prelu, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one PRELU; slopes of a quantized network are int8 with one scale."""
    (x,) = inputs
    slopes = _lower.constant(f"{output.name}/alpha", params.alpha)
    if x.dtype != "float32":
        scale = np.float32(max(float(np.abs(params.alpha).max()), 1e-6) / 127)
        slopes = replace(
            slopes,
            dtype="int8",
            scales=np.array([scale], np.float32),
            zero_points=np.zeros(1, np.int64),
            data=np.clip(np.rint(params.alpha / scale), -127, 127).astype(np.int8),
        )
    return [_lower.operator("PRELU", [x, slopes], [output])]
