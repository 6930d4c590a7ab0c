"""BATCH_MATMUL to `qembed.ops.batch_matmul`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.ops.conv import WIDE_LARGEST
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, product_multiplier, requantization_of
from qembed.ops.batch_matmul import BatchMatmul
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one batch_matmul."""
    x1, y = values.operand(op, 0), values.result(op)
    x2 = values.operand(op, 1, (x1.dtype,))
    one, two, out = (values.quantization(value) for value in (x1, x2, y))
    real = product_multiplier(numerics, one.scale, two.scale, out.scale)
    if x1.dtype == "int16":
        by = requantization_of(real, "wide", WIDE_LARGEST)
    else:
        by = requantization_of(real, numerics.rounding)
    params = BatchMatmul(
        transpose1=bool(op.options["adj_x"]),
        transpose2=bool(op.options["adj_y"]),
        requantization=by,
        input1_zero_point=one.zero_point,
        input2_zero_point=two.zero_point,
        output_zero_point=out.zero_point,
    )
    return [Step("batch_matmul", params, (x1, x2), (y,))]
