"""FULLY_CONNECTED to `qembed.ops.fully_connected`."""

from __future__ import annotations

import math

import numpy as np

from qembed.arithmetic import FLOAT_ROUNDINGS
from qembed.errors import ModelError, UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops import conv
from qembed.importers.tflite.values import Step
from qembed.ir import AnyArray
from qembed.numerics import (
    Numerics,
    activation_range,
    product_multiplier,
)
from qembed.ops.fully_connected import FullyConnected
from qembed.tflite.reader import Operator, Value


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Weights OI; the input is cut into rows of I values whatever its shape."""
    x, w, y = values.operand(op, 0), values.operand(op, 1, ("int8", "int4")), values.result(op)
    weights = without_zero_point(w)
    if op.options["weights_format"] != 0:
        raise UnsupportedError(f"weights {values.describe(w)} are stored shuffled")
    if weights.ndim != 2 or 0 in weights.shape or math.prod(x.shape) % weights.shape[1]:
        raise ModelError(f"weights {values.describe(w)} do not fit the input {values.describe(x)}")
    channels, row = weights.shape
    scale, output = values.quantization(x), values.quantization(y)
    weight_scale = values.channel_scales(w, channels, 0)
    rounding = numerics.fully_connected or numerics.rounding
    if weight_scale.size == 1 and rounding not in FLOAT_ROUNDINGS:
        real = np.array(
            [product_multiplier(numerics, scale.scale, float(weight_scale[0]), output.scale)]
        )
    elif w.dtype == "int4" and weight_scale.size > 1:
        raise UnsupportedError(f"int4 weights {values.describe(w)} need a single scale here")
    else:
        real = conv.multipliers(rounding, scale.scale, weight_scale, output.scale)
    bias = conv.bias_for(op, x, channels, real)
    keep_dims = y.shape[:-1] == x.shape[:-1] and x.shape[-1:] == (row,)
    params = FullyConnected(
        weights=weights,
        bias=bias,
        requantization=conv.requantize_by(real, bias, rounding),
        input_zero_point=scale.zero_point,
        output_zero_point=output.zero_point,
        activation_range=activation_range(
            op.options["activation"], output.scale, output.zero_point, values.dtype_of(y)
        ),
        keep_dims=keep_dims,
        weight_bits=4 if w.dtype == "int4" else 8,
        weight_scale=weight_scale,
    )
    shape = y.shape if keep_dims else (math.prod(x.shape) // row, channels)
    return values.reshaped(x, y, "fully_connected", params, shape)


def without_zero_point(w: Value) -> AnyArray:
    """Return the weights with their zero point subtracted, if int8 can hold the difference."""
    weights = values.contents(w)
    if not np.any(w.zero_points):
        return weights
    if w.zero_points.size > 1:
        values.require_no_zero_point(w)
    difference = weights.astype(np.int64) - w.zero_points[0]
    low, high = (-8, 7) if w.dtype == "int4" else (-128, 127)
    if difference.size and (difference.min() < low or difference.max() > high):
        raise UnsupportedError(
            f"weights {values.describe(w)} less their zero point {w.zero_points[0]} do not fit in "
            f"[{low}, {high}]"
        )
    folded: AnyArray = difference.astype(np.int8)
    return folded
