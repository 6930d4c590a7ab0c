"""Layers of an .onnx file as ONNX Runtime computes them: docs/arithmetic.md, section 8.

Sums of products are integers that are scaled in float32. Everything else is dequantized, computed
in float32 and quantized again, ties to even. Of one or two int8 values such a function is a table,
made here with the same float32 operations; what ONNX Runtime computes in an order of summation of
its own is refused, not approximated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import requantization
from qembed.errors import ModelError, UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops import CONVERTERS
from qembed.importers.tflite.ops.mean import axes_of
from qembed.importers.tflite.values import Step
from qembed.numerics import ACTIVATION_LIMITS, Ends, Numerics
from qembed.ops.batch_matmul import BatchMatmul
from qembed.ops.concatenation import Concatenation
from qembed.ops.lookup import Lookup
from qembed.ops.mean import Mean
from qembed.ops.pair_lookup import PairLookup
from qembed.ops.quantize import Quantize
from qembed.tflite.reader import Operator, Value

f32 = np.float32
Reals = NDArray[np.float32]
EVERY_INPUT = np.arange(-128, 128)
CLIP_TOLERANCE = np.finfo(f32).eps


def fma(a: Any, b: Any, c: Any) -> Reals:
    """Return a * b + c of float32 numbers, rounded once.

    The product is exact in the extended precision that is used, the sum all but exact.
    """
    wide = [np.asarray(v, f32).astype(np.longdouble) for v in (a, b, c)]
    rounded: Reals = (wide[0] * wide[1] + wide[2]).astype(f32)
    return rounded


def _polynomial(x: Reals, *coefficients: float) -> Reals:
    """Horner's scheme, highest power first, one rounding a step."""
    y = np.full_like(x, f32(coefficients[0]))
    for coefficient in coefficients[1:]:
        y = fma(y, x, coefficient)
    return y


def logistic(x: Reals, alpha: float = 0.0) -> Reals:
    """1 / (1 + exp(-x)) as a quotient of polynomials, equation (41)."""
    x = np.clip(x, f32(-18), f32(18))
    square = x * x
    above = x * _polynomial(
        square,
        4.37031012579801e-11,
        1.15627324459942e-07,
        6.08574864600143e-05,
        8.51377133304701e-03,
        2.48287947061529e-01,
    )
    below = _polynomial(
        square,
        6.10247389755681e-13,
        5.76102136993427e-09,
        6.29106785017040e-06,
        1.70198817374094e-03,
        1.16817656904453e-01,
        9.93151921023180e-01,
    )
    quotient: Reals = above / below
    return np.asarray(np.clip(quotient + f32(0.5), f32(0), f32(1)))


def tanh(x: Reals, alpha: float = 0.0) -> Reals:
    """Hyperbolic tangent as a quotient of polynomials, equation (41)."""
    x = np.clip(x, f32(-9), f32(9))
    square = x * x
    above = x * _polynomial(
        square,
        -2.76076847742355e-16,
        2.00018790482477e-13,
        -8.60467152213735e-11,
        5.12229709037114e-08,
        1.48572235717979e-05,
        6.37261928875436e-04,
        4.89352455891786e-03,
    )
    below = _polynomial(
        square,
        1.19825839466702e-06,
        1.18534705686654e-04,
        2.26843463243900e-03,
        4.89352518554385e-03,
    )
    quotient: Reals = above / below
    return quotient


def _leaky_relu(x: Reals, alpha: float) -> Reals:
    return np.asarray(np.where(x >= 0, x, f32(alpha) * x))


def _hard_swish(x: Reals, alpha: float) -> Reals:
    return np.asarray(x * np.clip(f32(1 / 6) * x + f32(0.5), f32(0), f32(1)))


UNARY: dict[str, Callable[[Reals, float], Any]] = {
    "ABS": lambda x, _: np.abs(x),
    "CEIL": lambda x, _: np.ceil(x),
    "FLOOR": lambda x, _: np.floor(x),
    "HARD_SWISH": _hard_swish,
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": logistic,
    "NEG": lambda x, _: -x,
    "RECIPROCAL": lambda x, _: f32(1) / x,
    "RELU": lambda x, _: x,  # the clamp behind it is all there is
    "SQRT": lambda x, _: np.sqrt(x),
    "TANH": tanh,
}
"""Functions of one value; the second argument is the option alpha."""

BINARY: dict[str, Callable[[Reals, Reals], Any]] = {
    "ADD": np.add,
    "DIV": np.divide,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "MUL": np.multiply,
    "PRELU": lambda x, slope: np.where(x >= 0, x, slope * x),
    "SUB": np.subtract,
}


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return the steps of one layer."""
    (y,) = op.outputs
    if y.dtype != "int8" or any(x is not None and x.dtype == "int16" for x in op.inputs):
        raise UnsupportedError("only int8 and uint8 are computed as ONNX Runtime does")
    if op.code in UNARY:
        return _unary(op)
    if op.code in BINARY:
        return _binary(op)
    if op.code not in FUSED:
        raise UnsupportedError(
            "ONNX Runtime computes this in float32, in an order of its own; its bytes cannot be "
            "promised: choose another profile"
        )
    _require_absorbed(op)
    return FUSED[op.code](op, numerics)


def reals(value: Value) -> Reals:
    """Real numbers behind the 256 values of an int8 tensor, equation (16)."""
    scale = values.quantization(value)
    return np.asarray((EVERY_INPUT - scale.zero_point).astype(f32) * f32(scale.scale))


def steps(real: Reals, y: Value) -> NDArray[np.int8]:
    """Quantize, ties to even, equation (15). Not a number becomes the smallest value."""
    scale = values.quantization(y)
    with np.errstate(all="ignore"):
        nearest = np.rint(real / f32(scale.scale))
    bounded = np.clip(np.nan_to_num(nearest, nan=-np.inf), -(2.0**20), 2.0**20)
    return np.asarray(np.clip(bounded + scale.zero_point, -128, 127).astype(np.int8))


def single(value: Value) -> np.float32:
    """Return the only number of a real constant."""
    data = values.contents(value)
    if data.size != 1:
        raise UnsupportedError(f"constant {values.describe(value)} is not quantized")
    return f32(data.reshape(-1)[0])


def quantize(op: Operator, numerics: Numerics) -> list[Step]:
    """From real numbers by division, ties to even; from one int8 scale to another by a table."""
    (x,), (y,) = op.inputs, op.outputs
    assert x is not None
    scale = values.quantization(y)
    if x.dtype == "float32":
        params = Quantize(
            values.dtype_of(y), scale.zero_point, scale=scale.scale, ties_to_even=True
        )
        return [Step("quantize", params, (x,), (y,))]
    if (x.dtype, y.dtype) != ("int8", "int8"):
        raise UnsupportedError(f"a conversion of {values.describe(x)} to {y.dtype}")
    return [Step("lookup", Lookup(steps(reals(x), y)), (x,), (y,))]


def _ends(op: Operator) -> Ends:
    activation: str | Ends = op.options["activation"]
    return ACTIVATION_LIMITS[activation] if isinstance(activation, str) else activation


def _activated(op: Operator, real: Any) -> Reals:
    low, high = _ends(op)
    if low is not None:
        real = np.maximum(real, f32(low))
    if high is not None:
        real = np.minimum(real, f32(high))
    return np.asarray(real, f32)


def _is_absorbed(op: Operator) -> bool:
    """Whether ONNX Runtime drops the activation, because the output's scale clamps alike."""
    (low, high), (y,) = _ends(op), op.outputs
    scale = values.quantization(y)
    if (low, high) == (0.0, None):
        return scale.zero_point == -128
    least, most = (f32(scale.scale) * f32(limit - scale.zero_point) for limit in (-128, 127))
    below = low is not None and f32(low) - least > CLIP_TOLERANCE
    above = high is not None and most - f32(high) > CLIP_TOLERANCE
    return not below and not above


def _require_absorbed(op: Operator) -> None:
    if not _is_absorbed(op):
        raise UnsupportedError(
            "the scale of the output reaches beyond the activation behind it, and ONNX Runtime "
            "then computes the layer in float32, in an order of its own; its bytes cannot be "
            "promised: choose another profile"
        )


def _unary(op: Operator) -> list[Step]:
    (x,), (y,) = op.inputs, op.outputs
    assert x is not None
    with np.errstate(all="ignore"):
        real = _activated(op, UNARY[op.code](reals(x), float(op.options.get("alpha", 0.0))))
    return [Step("lookup", Lookup(steps(real, y)), (x,), (y,))]


def _binary(op: Operator) -> list[Step]:
    one, other = op.inputs
    (y,) = op.outputs
    assert one is not None and other is not None
    if one.dtype == "float32" or other.dtype == "float32":
        return _with_number(op, one, other)
    if op.code in INTEGER_BINARY and _is_absorbed(op):
        table = INTEGER_BINARY[op.code](one, other, op)
    else:
        with np.errstate(all="ignore"):
            table = BINARY[op.code](reals(one)[:, None], reals(other)[None, :])
        table = steps(_activated(op, table), y)
    return [Step("pair_lookup", PairLookup(table), (one, other), (y,))]


def _with_number(op: Operator, one: Value, other: Value) -> list[Step]:
    """With a real constant, a function of two values is one of one value."""
    x = other if one.dtype == "float32" else one
    if x.dtype == "float32":
        raise ModelError("both operands are constants")
    sides: list[Any] = [single(v) if v.dtype == "float32" else reals(v) for v in (one, other)]
    with np.errstate(all="ignore"):
        real = BINARY[op.code](*sides)
    table = steps(_activated(op, real), op.outputs[0])
    return [Step("lookup", Lookup(table), (x,), op.outputs)]


def _offset(op: Operator) -> int:
    """Return what leads from int8 to the file's own type."""
    return 128 if op.options["unsigned"] else 0


def _add(one: Value, other: Value, op: Operator) -> NDArray[np.int8]:
    """Return sums of all pairs: equation (42). An operand that repeats inside goes second."""
    if op.options["first_repeats"]:
        options = {**op.options, "first_repeats": False}
        return _add(other, one, replace(op, options=options)).T
    offset, (y,) = _offset(op), op.outputs
    a, b, out = (values.quantization(v) for v in (one, other, y))
    ratio1, ratio2 = (f32(v.scale) / f32(out.scale) for v in (a, b))
    point1, point2, point = (f32(v.zero_point + offset) for v in (a, b, out))
    raw = (EVERY_INPUT + offset).astype(f32)
    fixed = point - fma(ratio1, point1, ratio2 * point2)
    total = fma(raw[:, None], ratio1, fma(raw, ratio2, fixed)[None, :])
    return np.asarray(np.clip(np.rint(total) - offset, -128, 127).astype(np.int8))


def _mul(one: Value, other: Value, op: Operator) -> NDArray[np.int8]:
    """Return products of all pairs: equation (43)."""
    offset, (y,) = _offset(op), op.outputs
    a, b, out = (values.quantization(v) for v in (one, other, y))
    scale = f32(a.scale) * f32(b.scale) / f32(out.scale)
    real1, real2 = ((EVERY_INPUT - v.zero_point).astype(f32) for v in (a, b))
    product = real1[:, None] * real2[None, :] * scale + f32(out.zero_point + offset)
    return np.asarray(np.clip(np.rint(product) - offset, -128, 127).astype(np.int8))


INTEGER_BINARY = {"ADD": _add, "MUL": _mul}


def _mean(op: Operator, numerics: Numerics) -> list[Step]:
    """GlobalAveragePool: one float32 multiplier that holds the division too, equation (44)."""
    if not op.options.get("is_global"):
        raise UnsupportedError(
            "ONNX Runtime computes this mean in float32, in an order of its own; choose another "
            "profile, or GlobalAveragePool"
        )
    x, axes = values.operand(op, 0), values.operand(op, 1, ("int32",))
    y = values.result(op)
    scale, out = values.quantization(x), values.quantization(y)
    reduced = axes_of(axes, x.shape)
    count = int(np.prod([x.shape[axis] for axis in reduced]))
    real = f32(scale.scale) / (f32(out.scale) * f32(count))
    by = requantization(np.array([real], np.float64), "float32")
    params = Mean(reduced, True, by, scale.zero_point, out.zero_point)
    return [Step("mean", params, (x,), (y,))]


def _batch_matmul(op: Operator, numerics: Numerics) -> list[Step]:
    x1, x2, y = values.operand(op, 0), values.operand(op, 1), values.result(op)
    one, two, out = (values.quantization(v) for v in (x1, x2, y))
    real = f32(one.scale) * f32(two.scale) / f32(out.scale)
    by = requantization(np.array([real], np.float64), "float32")
    points = (one.zero_point, two.zero_point, out.zero_point)
    params = BatchMatmul(bool(op.options["adj_x"]), bool(op.options["adj_y"]), by, *points)
    return [Step("batch_matmul", params, (x1, x2), (y,))]


def _concatenation(op: Operator, numerics: Numerics) -> list[Step]:
    (y,) = op.outputs
    before, parts = [], []
    for number, x in enumerate(op.inputs):
        assert x is not None
        part = replace(y, name=f"{y.name}/operand {number}", shape=x.shape)
        table = steps(reals(x), y)
        if np.array_equal(table, EVERY_INPUT):
            part = x
        elif x.data is not None:
            part = replace(part, data=table[x.data.astype(np.int64) + 128])
        else:
            before.append(Step("lookup", Lookup(table), (x,), (part,)))
        parts.append(part)
    axis = values.axis_of(op.options["axis"], len(y.shape))
    return [*before, Step("concatenation", Concatenation(axis), tuple(parts), (y,))]


FUSED: dict[str, Callable[[Operator, Numerics], list[Step]]] = {
    "BATCH_MATMUL": _batch_matmul,
    "CONCATENATION": _concatenation,
    "CONV_2D": CONVERTERS["CONV_2D"],
    "DEPTHWISE_CONV_2D": CONVERTERS["DEPTHWISE_CONV_2D"],
    "FULLY_CONNECTED": CONVERTERS["FULLY_CONNECTED"],
    "MEAN": _mean,
}
"""Layers that ONNX Runtime computes in integers, and scales in float32."""
