"""Surround a tensor with one value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.floats import _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.tflite.reader import Operator, Value


@dataclass(frozen=True, slots=True)
class Pad:
    """Parameters of one layer: values added before and after on each axis, and the value."""

    padding: tuple[tuple[int, int], ...]
    value: float = 0.0


def infer(params: Pad, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    if len(params.padding) != len(x.shape) or any(min(edge) < 0 for edge in params.padding):
        raise ModelError(f"padding {params.padding} does not fit an input of shape {x.shape}")
    shape = tuple(n + sum(edge) for n, edge in zip(x.shape, params.padding, strict=True))
    return [(shape, "float32")]


def forward(params: Pad, x: AnyArray) -> AnyArray:
    """Surround every sample."""
    return np.pad(x, ((0, 0), *params.padding), constant_values=np.float32(params.value))


def lower(params: Pad, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one PAD or PADV2."""
    return [_lower.pad_operator(inputs[0], output, params.padding, params.value)]
