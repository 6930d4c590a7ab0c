"""LOGISTIC and TANH: of int8 to `qembed.ops.lookup`, of int16 to `qembed.ops.sigmoid`."""

from __future__ import annotations

import math
from typing import Literal

from qembed import tables
from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops import lookup
from qembed.importers.tflite.values import Step
from qembed.ir import Quantization
from qembed.numerics import Numerics
from qembed.ops.sigmoid import Sigmoid
from qembed.tflite.reader import Operator

OUTPUT = Quantization(2.0**-15, 0)


def convert_logistic(op: Operator, numerics: Numerics) -> list[Step]:
    """Return a lookup or a sigmoid."""
    if values.operand(op, 0).dtype == "int8":
        return lookup.convert_logistic(op, numerics)
    return _convert(op, "logistic", 0)


def convert_tanh(op: Operator, numerics: Numerics) -> list[Step]:
    """Return a lookup or a sigmoid."""
    if values.operand(op, 0).dtype == "int8":
        return lookup.convert_tanh(op, numerics)
    return _convert(op, "tanh", 1)


def _convert(op: Operator, function: Literal["logistic", "tanh"], most_exact: int) -> list[Step]:
    x, y = values.operand(op, 0), values.result(op)
    values.require_implied(y, OUTPUT)
    multiplier, shift = _input_multiplier(values.quantization(x).scale, most_exact)
    params = Sigmoid(function, multiplier, shift, tables.sigmoid_int16())
    return [Step("sigmoid", params, (x,), (y,))]


def _input_multiplier(scale: float, most_exact: int) -> tuple[int, int]:
    """Scale of the input in steps of 1 / (3 * 2**12), as multiplier / 2**shift: equation (38)."""
    mantissa, exponent = math.frexp(scale)
    if mantissa == 0.5 and 0 <= exponent - 1 + 12 <= most_exact:
        return 3 << (exponent - 1 + 12), 0
    real, shift = scale * 4096 * 3, 0
    if real >= 32768:
        raise ModelError(f"a scale of {scale} is too large for an int16 sigmoid")
    while real <= 32767 / 2 and shift <= 30:
        real, shift = real * 2, shift + 1
    return int(real), shift
