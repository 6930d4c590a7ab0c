"""EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL to `qembed.ops.compare`."""

from __future__ import annotations

from typing import cast

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, requantization_of
from qembed.ops.compare import Compare, Comparison
from qembed.tflite.reader import Operator

LEFT_SHIFT = 8


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Integers of 8 bits are brought to one scale first; int32 are compared as they are."""
    x1, y = values.operand(op, 0, ("int8", "int32")), values.result(op, ("bool",))
    x2 = values.operand(op, 1, (x1.dtype,))
    comparison = cast(Comparison, op.code.lower())
    if x1.dtype == "int32":
        return [Step("compare", Compare(comparison), (x1, x2), (y,))]
    one, two = values.quantization(x1), values.quantization(x2)
    params = Compare(
        comparison,
        left_shift=LEFT_SHIFT,
        requantization1=requantization_of(one.scale, numerics.rounding, 1.0),
        requantization2=requantization_of(two.scale, numerics.rounding, 1.0),
        input1_zero_point=one.zero_point,
        input2_zero_point=two.zero_point,
    )
    return [Step("compare", params, (x1, x2), (y,))]
