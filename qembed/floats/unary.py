"""Functions of one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qembed.errors import ModelError
from qembed.floats import _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.tflite.reader import Operator, Value


def logistic(x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "relu": ("RELU", lambda x, a: np.maximum(x, 0)),
    "relu6": ("RELU6", lambda x, a: np.clip(x, 0, 6)),
    "relu_n1_to_1": ("RELU_N1_TO_1", lambda x, a: np.clip(x, -1, 1)),
    "relu_0_to_1": ("RELU_0_TO_1", lambda x, a: np.clip(x, 0, 1)),
    "leaky_relu": ("LEAKY_RELU", lambda x, a: np.where(x < 0, x * np.float32(a), x)),
    "elu": ("ELU", lambda x, a: np.where(x < 0, np.expm1(np.minimum(x, 0)), x)),
    "hard_swish": ("HARD_SWISH", lambda x, a: x * np.clip(x + 3, 0, 6) / 6),
    "logistic": ("LOGISTIC", lambda x, a: logistic(x)),
    "tanh": ("TANH", lambda x, a: np.tanh(x)),
    "abs": ("ABS", lambda x, a: np.abs(x)),
    "rsqrt": ("RSQRT", lambda x, a: 1 / np.sqrt(x)),
}
"""Name: operator of the file, what it computes of x and alpha."""


@dataclass(frozen=True, slots=True)
class Unary:
    """Parameters of one layer: a key of `FUNCTIONS`; `alpha` is the slope of "leaky_relu"."""

    function: str
    alpha: float = 0.0


def infer(params: Unary, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    if params.function not in FUNCTIONS:
        raise ModelError(f"'{params.function}' is none of {', '.join(FUNCTIONS)}")
    return [(x.shape, "float32")]


def forward(params: Unary, x: AnyArray) -> AnyArray:
    """Apply the function to a batch."""
    y = FUNCTIONS[params.function][1](x, params.alpha)
    return np.asarray(y, np.float32)


def lower(params: Unary, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one operator."""
    options = {"alpha": params.alpha} if params.function == "leaky_relu" else {}
    return [_lower.operator(FUNCTIONS[params.function][0], list(inputs), [output], **options)]
