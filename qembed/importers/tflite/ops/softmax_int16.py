"""SOFTMAX of int16 to `qembed.ops.softmax_int16`."""

from __future__ import annotations

from qembed import tables
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.ir import Quantization
from qembed.numerics import Numerics, requantization_of
from qembed.ops.softmax_int16 import SoftmaxInt16
from qembed.tflite.reader import Value

OUTPUT = Quantization(2.0**-15, 0)
EXP_STEP = 10.0 / 65535.0  # of the table of exponentials


def convert(x: Value, y: Value, beta: float, numerics: Numerics) -> list[Step]:
    """Scale differences to steps of the table, and take both tables along."""
    values.require_implied(y, OUTPUT, values.INT16_SCALE_TOLERANCE)
    real = values.quantization(x).scale * beta / EXP_STEP
    params = SoftmaxInt16(
        requantization=requantization_of(real, numerics.rounding),
        exp_table=tables.exp_int16(),
        reciprocal_table=tables.reciprocal_int16(),
    )
    return [Step("softmax_int16", params, (x,), (y,))]
