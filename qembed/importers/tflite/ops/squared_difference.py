"""SQUARED_DIFFERENCE to `qembed.ops.squared_difference`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, requantization_of
from qembed.ops.squared_difference import LEFT_SHIFT, SquaredDifference
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Both inputs are brought to twice the larger of their scales."""
    x1, y = values.operand(op, 0), values.result(op)
    x2 = values.operand(op, 1, (x1.dtype,))
    one, two, out = (values.quantization(value) for value in (x1, x2, y))
    left_shift = LEFT_SHIFT[x1.dtype]
    twice = 2 * max(one.scale, two.scale)
    real = twice * twice / ((1 << (2 * left_shift)) * out.scale)
    params = SquaredDifference(
        left_shift=left_shift,
        requantization1=requantization_of(one.scale / twice, numerics.rounding),
        requantization2=requantization_of(two.scale / twice, numerics.rounding),
        output_requantization=requantization_of(real, numerics.rounding),
        input1_zero_point=one.zero_point,
        input2_zero_point=two.zero_point,
        output_zero_point=out.zero_point,
    )
    return [Step("squared_difference", params, (x1, x2), (y,))]
