"""Mean, sum, largest and smallest value over axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qembed.errors import ModelError
from qembed.floats import _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops._check import require_axes
from qembed.ops.mean import reduced_shape
from qembed.tflite.reader import Operator, Value

FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "mean": ("MEAN", np.mean),
    "sum": ("SUM", np.sum),
    "max": ("REDUCE_MAX", np.max),
    "min": ("REDUCE_MIN", np.min),
}
"""Name: operator of the file, what it computes."""


@dataclass(frozen=True, slots=True)
class Reduce:
    """Parameters of one layer: a key of `FUNCTIONS`; axes ascending, not negative."""

    function: str
    axes: tuple[int, ...]
    keep_dims: bool = False


def infer(params: Reduce, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    require_axes(params.axes, len(x.shape))
    if params.function not in FUNCTIONS:
        raise ModelError(f"'{params.function}' is none of {', '.join(FUNCTIONS)}")
    return [(reduced_shape(x.shape, params.axes, params.keep_dims), "float32")]


def forward(params: Reduce, x: AnyArray) -> AnyArray:
    """Reduce every sample of a batch."""
    axes = tuple(axis + 1 for axis in params.axes)
    reduce = FUNCTIONS[params.function][1]
    return np.asarray(reduce(x, axis=axes, keepdims=params.keep_dims), np.float32)


def lower(params: Reduce, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one operator."""
    axes = _lower.integers(f"{output.name}/axes", params.axes)
    code = FUNCTIONS[params.function][0]
    return [_lower.operator(code, [*inputs, axes], [output], keep_dims=int(params.keep_dims))]
