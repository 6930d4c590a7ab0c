"""AVERAGE_POOL_2D to `qembed.ops.average_pool`."""

from __future__ import annotations

from typing import Any

from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops import conv
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, activation_range
from qembed.ops.average_pool import AveragePool
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one average_pool."""
    return [pool(op, "average_pool", AveragePool)]


def pool(op: Operator, stem: str, make: type[Any]) -> Step:
    """Return a pooling step whose parameters are a `make`."""
    x, y = values.operand(op, 0), values.result(op)
    values.require_tied(x, y)
    if len(x.shape) != 4:
        raise ModelError(f"input {values.describe(x)} must have four dimensions (NHWC)")
    window = (op.options["filter_h"], op.options["filter_w"])
    if min(window) < 1:
        raise ModelError(f"the window {window} must be at least 1 by 1")
    output = values.quantization(y)
    params = make(
        window=window,
        stride=conv.strides(op),
        padding=conv.padding(op, x, window),
        activation_range=activation_range(
            op.options["activation"], output.scale, output.zero_point, values.dtype_of(y)
        ),
    )
    return Step(stem, params, (x,), (y,))
