"""The same real values in another scale or type: nothing in float, a QUANTIZE in integers."""

from __future__ import annotations

from dataclasses import dataclass

from qembed.floats import _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.tflite.reader import Operator, Value


@dataclass(frozen=True, slots=True)
class Requantize:
    """It has no parameters: types and scales of the tensors say everything."""


def infer(params: Requantize, x: Tensor) -> list[tuple[Shape, DType]]:
    """Return shape and type of the output."""
    _windows.require_float(x)
    return [(x.shape, "float32")]


def forward(params: Requantize, x: AnyArray) -> AnyArray:
    """Return the same values."""
    return x


def lower(params: Requantize, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one QUANTIZE; among real numbers a RESHAPE to the same shape."""
    if output.dtype == "float32":
        shape = _lower.integers(f"{output.name}/shape", output.shape)
        return [_lower.operator("RESHAPE", [*inputs, shape], [output], new_shape=output.shape)]
    return [_lower.operator("QUANTIZE", list(inputs), [output])]
