"""LOG_SOFTMAX to `qembed.ops.log_softmax`."""

from __future__ import annotations

from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops.softmax import input_scaling
from qembed.importers.tflite.values import Step
from qembed.ir import Quantization
from qembed.numerics import Numerics, requantization_of
from qembed.ops.log_softmax import LogSoftmax
from qembed.tflite.reader import Operator

OUTPUT = Quantization(2.0**-4, 127)


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one log_softmax; the output's scale is implied."""
    x, y = values.operand(op, 0, ("int8",)), values.result(op, ("int8",))
    values.require_implied(y, OUTPUT)
    multiplier, shift, diff_min = input_scaling(x, 1.0)
    if shift < 1:
        raise ModelError(f"the scale of {values.describe(x)} is too small")
    reverse = requantization_of((1 << (31 - shift)) / multiplier, numerics.rounding, 1.0)
    params = LogSoftmax(multiplier, shift, diff_min, reverse)
    return [Step("log_softmax", params, (x,), (y,))]
