"""SOFTMAX to `qembed.ops.softmax`, of int16 to `qembed.ops.softmax_int16`."""

from __future__ import annotations

from qembed import tables
from qembed.arithmetic import quantize_multiplier
from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.reader import Operator, Value
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, requantization_of
from qembed.ops.softmax import INTEGER_BITS, Softmax
from qembed.ops.softmax_int16 import SoftmaxInt16

EXP_STEP = 10.0 / 65535.0  # of the table of exponentials, int16

# Output scale and zero point that the arithmetic implies.
OUTPUTS = {"int8": (2.0**-8, -128), "int16": (2.0**-16, -32768)}


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Fold beta and the input scale into one multiplier: equation (20)."""
    x, y = values.operand(op, 0), values.result(op)
    beta = float(op.options["beta"])
    if not 0.0 < beta < float("inf"):
        raise ModelError(f"option beta is {beta}, must be positive")
    if x.dtype == "int16":
        return _convert_int16(x, y, beta, numerics)
    require_output(y, OUTPUTS[y.dtype])
    multiplier, shift, diff_min = input_scaling(x, beta)
    params = Softmax(multiplier, shift, diff_min, values.dtype_of(y))
    return [Step("softmax", params, (x,), (y,))]


def _convert_int16(x: Value, y: Value, beta: float, numerics: Numerics) -> list[Step]:
    require_output(y, (2.0**-15, 0))
    real = values.quantization(x).scale * beta / EXP_STEP
    params = SoftmaxInt16(
        requantization=requantization_of(real, numerics.rounding),
        exp_table=tables.exp_int16(),
        reciprocal_table=tables.reciprocal_int16(),
    )
    return [Step("softmax_int16", params, (x,), (y,))]


def input_scaling(x: Value, beta: float) -> tuple[int, int, int]:
    """(multiplier, shift, diff_min) that bring differences of int8 inputs to Q5.26."""
    real = min(beta * values.quantization(x).scale * (1 << (31 - INTEGER_BITS)), 2.0**31 - 1)
    if real <= 1.0:
        raise ModelError(f"beta times the scale of {values.describe(x)} is not above 2**-26")
    multiplier, shift = quantize_multiplier(real / 16)  # whose range ends at 2**30
    shift += 4
    largest = ((1 << INTEGER_BITS) - 1) << (31 - INTEGER_BITS)
    return multiplier, shift, -(largest >> shift)


def require_output(y: Value, wanted: tuple[float, int]) -> None:
    """Refuse an output whose scale is not the one that the arithmetic implies."""
    scale, zero_point = wanted
    declared = values.quantization(y)
    tolerance = 0.0 if y.dtype == "int8" else 1e-3 * scale
    if abs(declared.scale - scale) > tolerance or declared.zero_point != zero_point:
        raise ModelError(
            f"output {values.describe(y)} must have scale {scale} and zero point {zero_point}"
        )
