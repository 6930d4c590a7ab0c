"""SOFTMAX to `qembed.ops.softmax`."""

from __future__ import annotations

from qembed.arithmetic import quantize_multiplier
from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops import softmax_int16
from qembed.importers.tflite.values import Step
from qembed.ir import Quantization
from qembed.numerics import Numerics
from qembed.ops.softmax import INTEGER_BITS, Softmax
from qembed.tflite.reader import Operator, Value

# Output scale and zero point that the arithmetic implies.
OUTPUTS = {"int8": Quantization(2.0**-8, -128), "int16": Quantization(2.0**-16, -32768)}


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Fold beta and the input scale into one multiplier: equation (20)."""
    x, y = values.operand(op, 0), values.result(op)
    beta = float(op.options["beta"])
    if not 0.0 < beta < float("inf"):
        raise ModelError(f"option beta is {beta}, must be positive")
    if x.dtype == "int16":
        return softmax_int16.convert(x, y, beta, numerics)
    tolerance = values.INT16_SCALE_TOLERANCE if y.dtype == "int16" else 0.0
    values.require_implied(y, OUTPUTS[y.dtype], tolerance)
    multiplier, shift, diff_min = input_scaling(x, beta)
    params = Softmax(multiplier, shift, diff_min, values.dtype_of(y))
    return [Step("softmax", params, (x,), (y,))]


def input_scaling(x: Value, beta: float) -> tuple[int, int, int]:
    """(multiplier, shift, diff_min) that bring differences of int8 inputs to Q5.26."""
    real = min(beta * values.quantization(x).scale * (1 << (31 - INTEGER_BITS)), 2.0**31 - 1)
    if real <= 1.0:
        raise ModelError(f"beta times the scale of {values.describe(x)} is not above 2**-26")
    multiplier, shift = quantize_multiplier(real / 16)  # whose range ends at 2**30
    shift += 4
    largest = ((1 << INTEGER_BITS) - 1) << (31 - INTEGER_BITS)
    return multiplier, shift, -(largest >> shift)
