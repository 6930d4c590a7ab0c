"""Functions of two tensors, value by value, broadcast against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qembed.errors import ModelError
from qembed.floats import _activation, _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops._check import broadcast
from qembed.tflite import schema
from qembed.tflite.reader import Operator, Value

FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "add": ("ADD", np.add),
    "sub": ("SUB", np.subtract),
    "mul": ("MUL", np.multiply),
    "div": ("DIV", np.divide),
    "maximum": ("MAXIMUM", np.maximum),
    "minimum": ("MINIMUM", np.minimum),
    "squared_difference": ("SQUARED_DIFFERENCE", lambda a, b: np.square(a - b)),
}
"""Name: operator of the file, what it computes."""


@dataclass(frozen=True, slots=True)
class Binary:
    """Parameters of one layer: a key of `FUNCTIONS`, and a fused activation."""

    function: str
    activation: str = "NONE"


def infer(params: Binary, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of its output."""
    _windows.require_float(x1, x2)
    _activation.require_known(params.activation)
    if params.function not in FUNCTIONS:
        raise ModelError(f"'{params.function}' is none of {', '.join(FUNCTIONS)}")
    if params.activation != "NONE" and "activation" not in _options(params.function):
        raise ModelError(f"'{params.function}' takes no activation")
    return [(broadcast(x1.shape, x2.shape), "float32")]


def _options(function: str) -> set[str]:
    fields = schema.OPTIONS.get(FUNCTIONS[function][0], (0, ()))[1]
    return {field.name for field in fields}


def forward(params: Binary, x1: AnyArray, x2: AnyArray) -> AnyArray:
    """Run a batch; the operands' axes behind that of samples are aligned at the end."""
    rank = max(x1.ndim, x2.ndim)
    aligned = [x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in (x1, x2)]
    y = FUNCTIONS[params.function][1](*aligned).astype(np.float32, copy=False)
    return _activation.activate(y, params.activation)


def lower(params: Binary, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one operator."""
    options = {"activation": params.activation} if _options(params.function) else {}
    return [_lower.operator(FUNCTIONS[params.function][0], list(inputs), [output], **options)]
