"""Functions of one int8 value to `qembed.ops.lookup`."""

from __future__ import annotations

from qembed import tables
from qembed.errors import ModelError, UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.reader import Operator, Value
from qembed.importers.tflite.values import Step
from qembed.ir import Quantization
from qembed.numerics import Numerics, activation_range
from qembed.ops.lookup import Lookup

LOGISTIC_OUTPUT = Quantization(2.0**-8, -128)
TANH_OUTPUT = Quantization(2.0**-7, 0)


def convert_logistic(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup; the output's scale is implied."""
    x, y = _pair(op)
    require_output(y, LOGISTIC_OUTPUT)
    return _lookup(x, y, tables.logistic(values.quantization(x)))


def convert_tanh(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup; the output's scale is implied."""
    x, y = _pair(op)
    require_output(y, TANH_OUTPUT)
    return _lookup(x, y, tables.tanh(values.quantization(x)))


def convert_relu(op: Operator, numerics: Numerics) -> list[Step]:
    """RELU, RELU6, ... as operators of their own, from one scale to another."""
    x, y = _pair(op)
    out = values.quantization(y)
    bounds = activation_range(op.code, out.scale, out.zero_point, "int8")
    return _lookup(x, y, tables.relu(values.quantization(x), out, bounds, numerics))


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


def convert_abs(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup."""
    x, y = _pair(op)
    return _lookup(x, y, tables.absolute(values.quantization(x), values.quantization(y), numerics))


def convert_rsqrt(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one lookup."""
    x, y = _pair(op)
    one, other = values.quantization(x), values.quantization(y)
    return _lookup(x, y, tables.reciprocal_square_root(one, other, numerics))


def require_output(y: Value, wanted: Quantization) -> None:
    """Refuse an output whose scale is not the one that the arithmetic implies."""
    if values.quantization(y) != wanted:
        raise UnsupportedError(
            f"output {values.describe(y)} must have scale {wanted.scale} and zero point "
            f"{wanted.zero_point}"
        )


def _pair(op: Operator) -> tuple[Value, Value]:
    return values.operand(op, 0, ("int8",)), values.result(op, ("int8",))


def _lookup(x: Value, y: Value, table: tables.Table) -> list[Step]:
    return [Step("lookup", Lookup(table), (x,), (y,))]
