"""Functions along the last axis whose results are bounded: softmax, log-softmax, unit length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.floats import _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.tflite.reader import Operator, Value

CODES = {"softmax": "SOFTMAX", "log_softmax": "LOG_SOFTMAX", "l2": "L2_NORMALIZATION"}
SHORTEST_SQUARED = 1e-12


@dataclass(frozen=True, slots=True)
class Normalize:
    """Parameters of one layer: a key of `CODES`; `beta` multiplies the input of "softmax"."""

    function: str
    beta: float = 1.0


def infer(params: Normalize, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    if params.function not in CODES or not x.shape:
        raise ModelError(f"'{params.function}' is none of {', '.join(CODES)}, or has no axis")
    return [(x.shape, "float32")]


def forward(params: Normalize, x: AnyArray) -> AnyArray:
    """Normalize the rows of a batch."""
    if params.function == "l2":
        squares = np.sum(np.square(x), axis=-1, keepdims=True)
        return np.asarray(x / np.sqrt(np.maximum(squares, SHORTEST_SQUARED)), np.float32)
    scaled = (x - x.max(axis=-1, keepdims=True)) * np.float32(params.beta)
    total = np.exp(scaled).sum(axis=-1, keepdims=True)
    y = scaled - np.log(total) if params.function == "log_softmax" else np.exp(scaled) / total
    return np.asarray(y, np.float32)


def lower(params: Normalize, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one operator."""
    options = {"beta": params.beta} if params.function == "softmax" else {}
    return [_lower.operator(CODES[params.function], list(inputs), [output], **options)]
