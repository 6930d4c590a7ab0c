"""Tables of functions of one value, as TFLite Micro computes them. docs/arithmetic.md, section 6.

Every function here returns the int8 outputs for the inputs -128 to 127, shape (256,).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import (
    Int64Array,
    Requantization,
    quantize_multiplier,
    requantize,
    rounding_shift_right,
)
from qembed.errors import ModelError
from qembed.fixed_point import (
    INT32_MAX,
    exp_on_negative_values,
    one_minus_over_one_plus,
    one_over_one_plus,
)
from qembed.ir import Quantization
from qembed.numerics import Numerics, requantization_of

Table = NDArray[np.int8]

EVERY_INPUT: Int64Array = np.arange(-128, 128, dtype=np.int64)
SIGMOID_INTEGER_BITS = 4


def _saturate(y: Int64Array) -> Table:
    return np.clip(y, -128, 127).astype(np.int8)


def _sigmoid_input(x: Quantization) -> tuple[Int64Array, int]:
    """Return inputs in Q4.27, and from which magnitude of the integer on the function is flat."""
    mantissa, shift = math.frexp(x.scale * 2.0**27)
    if not -31 <= shift <= 31:
        raise ModelError(f"scale {x.scale} is out of the range of sigmoids")
    multiplier = min(math.floor(mantissa * (1 << 31) + 0.5), INT32_MAX)
    radius = int(math.ldexp(15 << 27, -shift))
    by = Requantization(np.array([multiplier], np.int32), np.array([shift], np.int32), "double")
    real = np.clip(EVERY_INPUT - x.zero_point, -radius, radius)
    return requantize(real, by), radius


def logistic(x: Quantization) -> Table:
    """1 / (1 + exp(-x)); output scale 1/256, zero point -128: equation (22)."""
    raw, radius = _sigmoid_input(x)
    positive = one_over_one_plus(exp_on_negative_values(-np.abs(raw), SIGMOID_INTEGER_BITS))
    y = np.where(raw > 0, positive, np.where(raw < 0, INT32_MAX - positive, 1 << 30))
    real = EVERY_INPUT - x.zero_point
    steps = rounding_shift_right(y, 23) - 128
    return _saturate(np.where(real <= -radius, -128, np.where(real >= radius, 127, steps)))


def tanh(x: Quantization) -> Table:
    """Hyperbolic tangent; output scale 1/128, zero point 0: equation (23)."""
    raw, radius = _sigmoid_input(x)
    # The same raw number, read with one integer bit more, is twice as large: exp(-2 |x|).
    decay = exp_on_negative_values(-np.abs(raw), SIGMOID_INTEGER_BITS + 1)
    y = np.sign(raw) * one_minus_over_one_plus(decay)
    real = EVERY_INPUT - x.zero_point
    steps = rounding_shift_right(y, 24)
    return _saturate(np.where(real <= -radius, -128, np.where(real >= radius, 127, steps)))


def relu(
    x: Quantization, y: Quantization, activation_range: tuple[int, int], numerics: Numerics
) -> Table:
    """Requantized and clamped: RELU and its like as operators of their own."""
    by = requantization_of(x.scale / y.scale, numerics.rounding)
    steps = requantize(EVERY_INPUT - x.zero_point, by) + y.zero_point
    return np.clip(steps, *activation_range).astype(np.int8)


def leaky_relu(x: Quantization, y: Quantization, alpha: float, numerics: Numerics) -> Table:
    """X, or alpha * x where x is negative: equation (24)."""
    identity = _divide(x.scale, y.scale, numerics)
    slope = _divide(_times(x.scale, alpha, numerics), y.scale, numerics)
    real = EVERY_INPUT - x.zero_point
    positive = requantize(real, requantization_of(identity, numerics.rounding))
    negative = requantize(real, requantization_of(abs(slope), numerics.rounding))
    steps = np.where(real >= 0, positive, -negative if slope < 0 else negative)
    return _saturate(steps + y.zero_point)


def hard_swish(x: Quantization, y: Quantization, numerics: Numerics) -> Table:
    """X * relu6(x + 3) / 6 in 16-bit steps: equation (25)."""
    fine = _divide(x.scale, 128.0, numerics)
    out_multiplier, out_shift = _reduced(_divide(fine, y.scale, numerics))
    three = float(np.float32(3 / 32768)) if numerics.float32_steps else 3 / 32768
    gate_multiplier, gate_shift = _reduced(_divide(fine, three, numerics))
    if out_shift > 0:
        raise ModelError(f"HARD_SWISH cannot go from scale {x.scale} to the finer {y.scale}")
    raised = (EVERY_INPUT - x.zero_point) << 7
    value = _high_multiply_16(raised, out_multiplier)

    gate = raised
    if gate_shift > 0:
        gate = _saturate_16(gate << (gate_shift - 1))
    gate = _high_multiply_16(gate, gate_multiplier)
    if gate_shift > 0:
        gate = _saturate_16(gate << 1)
    if gate_shift < 0:
        gate = rounding_shift_right(gate, -gate_shift)
    gate = (gate + (1 << 15)) >> 1

    product = gate * value
    truncated = np.sign(product) * (np.abs(product) >> 15)
    return _saturate(rounding_shift_right(truncated, -out_shift) + y.zero_point)


def _times(a: float, b: float, numerics: Numerics) -> float:
    return float(np.float32(a * b)) if numerics.float32_steps else a * b


def _divide(a: float, b: float, numerics: Numerics) -> float:
    return float(np.float32(a / b)) if numerics.float32_steps else a / b


def _reduced(real: float) -> tuple[int, int]:
    """Multiplier of 16 bits, and shift."""
    multiplier, shift = quantize_multiplier(real)
    largest = INT32_MAX - (1 << 15)
    return (0x7FFF if multiplier >= largest else (multiplier + (1 << 15)) >> 16), shift


def _high_multiply_16(a: Int64Array, b: int) -> Int64Array:
    return (a * b + (1 << 14)) >> 15


def _saturate_16(x: Int64Array) -> Int64Array:
    return np.clip(x, -(1 << 15), (1 << 15) - 1)
