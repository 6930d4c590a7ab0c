"""ADD and SUB to `qembed.ops.add`."""

from __future__ import annotations

import numpy as np

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, activation_range, requantization_of, sum_scale
from qembed.ops.add import Add
from qembed.tflite.reader import Operator

LEFT_SHIFT = {"int8": 20, "int16": 15}


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Both inputs are brought to twice the larger of their scales: equation (19)."""
    x1, y = values.operand(op, 0), values.result(op)
    x2 = values.operand(op, 1, (x1.dtype,))
    one, two, out = (values.quantization(value) for value in (x1, x2, y))
    left_shift = LEFT_SHIFT[x1.dtype]
    twice = 2 * max(one.scale, two.scale)
    # Only SUB had the older recipe.
    old = op.code == "SUB" and numerics.float32_steps
    by1, by2, by_out = (
        requantization_of(float(np.float32(real)) if old else real, numerics.rounding, 1.0)
        for real in (
            one.scale / twice,
            two.scale / twice,
            twice / ((1 << left_shift) * out.scale),
        )
    )
    params = Add(
        left_shift=left_shift,
        requantization1=by1,
        requantization2=by2,
        output_requantization=by_out,
        input1_zero_point=one.zero_point,
        input2_zero_point=two.zero_point,
        output_zero_point=out.zero_point,
        activation_range=activation_range(
            op.options["activation"], out.scale, out.zero_point, values.dtype_of(y)
        ),
        subtract=op.code == "SUB",
        sum_scale=sum_scale(one.scale, two.scale, out.scale)
        if numerics.add_once and x1.dtype == "int8"
        else None,
    )
    return [Step("add", params, (x1, x2), (y,))]
