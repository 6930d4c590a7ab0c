"""L2_NORMALIZATION and LOG_SOFTMAX to the operators of these names."""

from __future__ import annotations

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops.lookup import require_output
from qembed.importers.tflite.ops.softmax import input_scaling
from qembed.importers.tflite.reader import Operator
from qembed.importers.tflite.values import Step
from qembed.ir import Quantization
from qembed.numerics import Numerics, requantization_of
from qembed.ops.l2_normalization import L2Normalization
from qembed.ops.log_softmax import LogSoftmax

L2_OUTPUT = Quantization(2.0**-7, 0)
LOG_OUTPUT = Quantization(2.0**-4, 127)


def convert_l2(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one l2_normalization; the output's scale is implied."""
    x, y = values.operand(op, 0, ("int8",)), values.result(op, ("int8",))
    require_output(y, L2_OUTPUT)
    if op.options["activation"] != "NONE":
        raise UnsupportedError(f"fused activation {op.options['activation']} is not supported")
    params = L2Normalization(values.quantization(x).zero_point)
    return [Step("l2_normalization", params, (x,), (y,))]


def convert_log_softmax(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one log_softmax; the output's scale is implied."""
    x, y = values.operand(op, 0, ("int8",)), values.result(op, ("int8",))
    require_output(y, LOG_OUTPUT)
    multiplier, shift, diff_min = input_scaling(x, 1.0)
    if shift < 1:
        raise ModelError(f"the scale of {values.describe(x)} is too small")
    reverse = requantization_of((1 << (31 - shift)) / multiplier, numerics.rounding, 1.0)
    params = LogSoftmax(multiplier, shift, diff_min, reverse)
    return [Step("log_softmax", params, (x,), (y,))]
