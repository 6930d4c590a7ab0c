"""PRELU, and LEAKY_RELU and ABS of int16, to `qembed.ops.prelu`."""

from __future__ import annotations

import numpy as np

from qembed.errors import UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops import lookup
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, requantization_of
from qembed.ops.prelu import Prelu
from qembed.tables import leaky_relu_multipliers
from qembed.tflite.reader import Operator, Value


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Slopes must be constants."""
    x, alpha, y = values.operand(op, 0), values.operand(op, 1, ("int8",)), values.result(op)
    slope, scale, out = (values.quantization(value) for value in (alpha, x, y))
    slopes = values.contents(alpha).astype(np.int16) - np.int16(slope.zero_point)
    return _prelu(
        x,
        y,
        slopes.astype(np.int16),
        (scale.scale / out.scale, scale.scale * slope.scale / out.scale),
        numerics,
    )


def convert_leaky_relu(op: Operator, numerics: Numerics) -> list[Step]:
    """Return a lookup for int8; for int16 the slope is 1 and the multiplier holds alpha."""
    x, y = values.operand(op, 0), values.result(op)
    if x.dtype == "int8":
        return lookup.convert_leaky_relu(op, numerics)
    alpha = float(op.options["alpha"])
    if not 0 <= alpha < float("inf"):
        raise UnsupportedError(f"option alpha is {alpha}, must not be negative for int16")
    real = leaky_relu_multipliers(values.quantization(x), values.quantization(y), alpha, numerics)
    return _prelu(x, y, np.ones(1, np.int16), real, numerics)


def convert_abs(op: Operator, numerics: Numerics) -> list[Step]:
    """Return a lookup for int8; for int16 the slope is -1."""
    x, y = values.operand(op, 0), values.result(op)
    if x.dtype == "int8":
        return lookup.convert_abs(op, numerics)
    real = values.quantization(x).scale / values.quantization(y).scale
    return _prelu(x, y, np.full(1, -1, np.int16), (real, real), numerics)


def _prelu(
    x: Value, y: Value, alpha: np.ndarray, real: tuple[float, float], numerics: Numerics
) -> list[Step]:
    params = Prelu(
        alpha=alpha.reshape((1,) * (len(x.shape) - alpha.ndim) + alpha.shape),
        positive=requantization_of(real[0], numerics.rounding),
        negative=requantization_of(real[1], numerics.rounding),
        input_zero_point=values.quantization(x).zero_point,
        output_zero_point=values.quantization(y).zero_point,
    )
    return [Step("prelu", params, (x,), (y,))]
