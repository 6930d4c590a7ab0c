"""MUL to `qembed.ops.mul`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, activation_range, requantization_of
from qembed.ops.mul import Mul
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one mul."""
    x1, y = values.operand(op, 0), values.result(op)
    x2 = values.operand(op, 1, (x1.dtype,))
    one, two, out = (values.quantization(value) for value in (x1, x2, y))
    params = Mul(
        requantization=requantization_of(one.scale * two.scale / out.scale, numerics.rounding),
        input1_zero_point=one.zero_point,
        input2_zero_point=two.zero_point,
        output_zero_point=out.zero_point,
        activation_range=activation_range(
            op.options["activation"], out.scale, out.zero_point, values.dtype_of(y)
        ),
    )
    return [Step("mul", params, (x1, x2), (y,))]
