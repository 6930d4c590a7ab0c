"""UNIDIRECTIONAL_SEQUENCE_LSTM to `qembed.ops.lstm`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops.conv import requantize_by
from qembed.importers.tflite.ops.svdf import state_of
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, product_multiplier, requantization_of
from qembed.ops.lstm import GATES, Gate, Lstm
from qembed.tables import sigmoid_int16
from qembed.tflite.reader import Operator, Value

# Places of the inputs.
INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIAS = (1, 2, 3, 4), (5, 6, 7, 8), (12, 13, 14, 15)
PEEPHOLES_AND_SO_ON = (9, 10, 11, 16, 17, 20, 21, 22, 23)
HIDDEN, CELL = 18, 19
GATE_SCALE = 2.0**-12


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lstm; peepholes, projection and layer normalization are not supported."""
    extra = [i for i in PEEPHOLES_AND_SO_ON if i < len(op.inputs) and op.inputs[i] is not None]
    if extra or op.options["activation"] != "TANH":
        raise UnsupportedError(
            "only the basic form is supported: tanh, no peephole, projection, layer normalization"
        )
    x = values.operand(op, 0, ("int8", "int16"))
    y = values.result(op, (x.dtype,))
    hidden, cell = state_of(op, HIDDEN, (x.dtype,)), state_of(op, CELL, ("int16",))
    values.require_tied(hidden, y)
    gates: dict[str, Any] = {
        name: _gate(op, numerics, number, x, hidden) for number, name in enumerate(GATES)
    }
    cell_scale, hidden_scale = (values.quantization(v).scale for v in (cell, hidden))
    multiplier, shift = _tanh_scaling(cell, cell_scale)
    clip = float(op.options["cell_clip"])
    params = Lstm(
        **gates,
        table=sigmoid_int16(),
        forget_requantization=requantization_of(2.0**-15, numerics.rounding),
        update_requantization=requantization_of(2.0**-30 / cell_scale, numerics.rounding),
        hidden_requantization=requantization_of(2.0**-30 / hidden_scale, numerics.rounding),
        tanh_multiplier=multiplier,
        tanh_shift=shift,
        cell_clip=int(min(clip / cell_scale, 32767.0)) if clip > 0 else 32768,
        input_zero_point=values.quantization(x).zero_point,
        hidden_zero_point=values.quantization(hidden).zero_point,
        time_major=bool(op.options["time_major"]),
    )
    return [Step("lstm", params, (x, hidden, cell), (y, hidden, cell))]


def _gate(op: Operator, numerics: Numerics, number: int, x: Value, hidden: Value) -> Gate:
    w = values.operand(op, INPUT_WEIGHTS[number], ("int8",))
    r = values.operand(op, RECURRENT_WEIGHTS[number], ("int8",))
    values.require_no_zero_point(w)
    values.require_no_zero_point(r)
    reals = [
        np.array(
            product_multiplier(
                numerics,
                values.quantization(v).scale,
                values.quantization(weights).scale,
                GATE_SCALE,
            )
        )
        for v, weights in ((x, w), (hidden, r))
    ]
    bias_dtype = "int64" if x.dtype == "int16" else "int32"
    given = values.optional_operand(op, BIAS[number], (bias_dtype,))
    bias = np.zeros(len(values.contents(w)), bias_dtype)
    if given is not None:
        bias = values.contents(given).astype(bias_dtype)
    return Gate(
        input_weights=values.contents(w),
        recurrent_weights=values.contents(r),
        bias=bias,
        input_requantization=requantize_by(reals[0], bias, numerics.rounding),
        recurrent_requantization=requantize_by(reals[1], bias, numerics.rounding),
    )


def _tanh_scaling(cell: Value, scale: float) -> tuple[int, int]:
    """Multiplier and shift that count the cell in steps of 1 / (3 * 2**12)."""
    mantissa, exponent = math.frexp(scale)
    power = exponent - 1 + 12
    if mantissa != 0.5 or power > 12:
        raise ModelError(f"the scale of {values.describe(cell)} must be a power of two, at most 1")
    return (3 << power, 0) if power >= 0 else (3, -power)
