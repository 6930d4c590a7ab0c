"""Functions of one int8 value to `qembed.ops.lookup`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qembed import tables
from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.ir import Quantization
from qembed.numerics import Numerics, activation_range, requantization_of
from qembed.ops.extremum import Extremum
from qembed.ops.lookup import Lookup
from qembed.ops.quantize import Quantize
from qembed.tflite.reader import Operator, Value

LOGISTIC_OUTPUT = Quantization(2.0**-8, -128)
TANH_OUTPUT = Quantization(2.0**-7, 0)


def convert_logistic(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup; the output's scale is implied."""
    x, y = _pair(op)
    values.require_implied(y, LOGISTIC_OUTPUT)
    return _lookup(x, y, tables.logistic(values.quantization(x)))


def convert_tanh(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup; the output's scale is implied."""
    x, y = _pair(op)
    values.require_implied(y, TANH_OUTPUT)
    return _lookup(x, y, tables.tanh(values.quantization(x)))


def convert_relu(op: Operator, numerics: Numerics) -> list[Step]:
    """Return a lookup for int8; for int16 a conversion and the larger of that and zero."""
    x, y = values.operand(op, 0), values.result(op)
    out = values.quantization(y)
    if op.code == "RELU6":
        values.require_tied(x, y)  # TFLite Micro clamps raw values here
    if x.dtype == "int16":
        return _relu_int16(op, x, y, numerics)
    bounds = activation_range(op.code, out.scale, out.zero_point, "int8")
    return _lookup(x, y, tables.relu(values.quantization(x), out, bounds, numerics))


def _relu_int16(op: Operator, x: Value, y: Value, numerics: Numerics) -> list[Step]:
    """Return a quantize and one extremum for each end of the clamp that the type does not set."""
    one, out = values.quantization(x), values.quantization(y)
    by = requantization_of(one.scale / out.scale, numerics.rounding)
    bounds = activation_range(op.code, out.scale, out.zero_point, "int16")
    ends = [(True, bounds[0]), (False, bounds[1])]
    ends = [end for end in ends if abs(end[1]) < 32767]
    stages = [values.between(y, f"stage {i}", y.shape) for i in range(len(ends))] + [y]
    params = Quantize("int16", out.zero_point, None, by, one.zero_point)
    steps = [Step("quantize", params, (x,), (stages[0],))]
    for i, (largest, bound) in enumerate(ends):
        limit = replace(values.between(y, f"limit {i}", (1,)), data=np.array([bound], np.int16))
        clamp = Extremum(largest=largest)
        steps.append(Step("extremum", clamp, (stages[i], limit), (stages[i + 1],)))
    return steps


def convert_leaky_relu(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup."""
    x, y = _pair(op)
    alpha = float(op.options["alpha"])
    if not abs(alpha) < float("inf"):
        raise ModelError(f"option alpha is {alpha}")
    one, other = values.quantization(x), values.quantization(y)
    return _lookup(x, y, tables.leaky_relu(one, other, alpha, numerics))


def convert_hard_swish(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup."""
    x, y = _pair(op)
    return _lookup(
        x, y, tables.hard_swish(values.quantization(x), values.quantization(y), numerics)
    )


def convert_elu(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup."""
    x, y = _pair(op)
    return _lookup(x, y, tables.elu(values.quantization(x), values.quantization(y)))


def convert_exp(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup, as LiteRT computes it: TFLite Micro has no integer form."""
    x, y = _pair(op)
    return _lookup(x, y, tables.exp(values.quantization(x), values.quantization(y)))


def convert_gelu(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup, as LiteRT computes it: TFLite Micro has no such operator."""
    x, y = _pair(op)
    approximate = bool(op.options["approximate"])
    return _lookup(x, y, tables.gelu(values.quantization(x), values.quantization(y), approximate))


def convert_abs(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup."""
    x, y = _pair(op)
    return _lookup(x, y, tables.absolute(values.quantization(x), values.quantization(y), numerics))


def convert_rsqrt(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup."""
    x, y = _pair(op)
    one, other = values.quantization(x), values.quantization(y)
    return _lookup(x, y, tables.reciprocal_square_root(one, other, numerics))


def _pair(op: Operator) -> tuple[Value, Value]:
    return values.operand(op, 0, ("int8",)), values.result(op, ("int8",))


def _lookup(x: Value, y: Value, table: tables.Table) -> list[Step]:
    return [Step("lookup", Lookup(table), (x,), (y,))]
