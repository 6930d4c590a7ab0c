"""Tables of functions of one value, as TFLite Micro computes them. docs/arithmetic.md, section 6.

Every function here returns the int8 outputs for the inputs -128 to 127, shape (256,).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import (
    Int64Array,
    Requantization,
    requantize,
    rounding_shift_right,
)
from qembed.errors import ModelError
from qembed.fixed_point import (
    INT32_MAX,
    exp_on_negative_values,
    inverse_square_root,
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
    identity, slope = leaky_relu_multipliers(x, y, alpha, numerics)
    real = EVERY_INPUT - x.zero_point
    positive = requantize(real, requantization_of(identity, numerics.rounding))
    negative = requantize(real, requantization_of(abs(slope), numerics.rounding))
    steps = np.where(real >= 0, positive, -negative if slope < 0 else negative)
    return _saturate(steps + y.zero_point)


def leaky_relu_multipliers(
    x: Quantization, y: Quantization, alpha: float, numerics: Numerics
) -> tuple[float, float]:
    """Return the real multipliers of positive and of negative inputs."""
    slope = _divide(_times(x.scale, alpha, numerics), y.scale, numerics)
    return _divide(x.scale, y.scale, numerics), slope


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


def _quantized(real: float) -> tuple[int, int]:
    by = requantization_of(real, "double")
    return int(by.multiplier[0]), int(by.shift[0])


def _reduced(real: float) -> tuple[int, int]:
    """Multiplier of 16 bits, and shift."""
    multiplier, shift = _quantized(real)
    largest = INT32_MAX - (1 << 15)
    return (0x7FFF if multiplier >= largest else (multiplier + (1 << 15)) >> 16), shift


def _high_multiply_16(a: Int64Array, b: int) -> Int64Array:
    return (a * b + (1 << 14)) >> 15


def _saturate_16(x: Int64Array) -> Int64Array:
    return np.clip(x, -(1 << 15), (1 << 15) - 1)


def elu(x: Quantization, y: Quantization) -> Table:
    """X, or exp(x) - 1 where x is negative, in float32: equation (26)."""
    return _by_float(x, y, lambda v: np.where(v < 0, np.exp(v) - np.float32(1), v))


def exp(x: Quantization, y: Quantization) -> Table:
    """exp(x) in float32: equation (26)."""
    return _by_float(x, y, np.exp)


def gelu(x: Quantization, y: Quantization, approximate: bool) -> Table:
    """X times the normal distribution at x, or its approximation by tanh: equation (26)."""

    def exact(v: NDArray[np.float64]) -> Any:
        return v * (np.vectorize(math.erf)(v * math.sqrt(0.5)) + 1) / 2

    def by_tanh(v: NDArray[np.float64]) -> Any:
        return v * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) / 2

    def finite(v: NDArray[np.float32]) -> Any:
        far = 1e30  # minus infinity times zero is no number
        return (by_tanh if approximate else exact)(np.clip(v, -far, far).astype(np.float64))

    return _by_float(x, y, finite)


def _by_float(
    x: Quantization, y: Quantization, function: Callable[[NDArray[np.float32]], Any]
) -> Table:
    """Dequantize, apply, quantize: every step rounded to float32."""
    if y.scale < 2.0**-120:
        raise ModelError(f"the output scale {y.scale} is too small")
    with np.errstate(over="ignore", invalid="ignore"):
        real = np.float32(x.scale) * (EVERY_INPUT - x.zero_point).astype(np.float32)
        value = function(real).astype(np.float32) * (np.float32(1) / np.float32(y.scale))
    nearest = np.sign(value) * np.floor(np.abs(value.astype(np.float64)) + 0.5)
    return _saturate(np.clip(nearest + y.zero_point, -(2.0**31), 2.0**31 - 1).astype(np.int64))


def absolute(x: Quantization, y: Quantization, numerics: Numerics) -> Table:
    """Magnitude, from one scale to another: equation (26)."""
    by = requantization_of(x.scale / y.scale, numerics.rounding)
    return _saturate(requantize(np.abs(EVERY_INPUT - x.zero_point), by) + y.zero_point)


def reciprocal_square_root(x: Quantization, y: Quantization, numerics: Numerics) -> Table:
    """1 / sqrt(x), 127 for 0: equation (26). Negative x are undefined, here as 0."""
    kept_bits = 20
    multiplier, shift = _quantized(1.0 / (math.sqrt(x.scale) * y.scale))
    table = []
    for real in EVERY_INPUT - x.zero_point:
        if real <= 0:
            table.append(127)
            continue
        root, root_shift = inverse_square_root(int(real))
        fine = _scaled(np.int64(1), root, root_shift + kept_bits, numerics)
        table.append(int(_scaled(fine, multiplier, shift - kept_bits, numerics)) + y.zero_point)
    return _saturate(np.array(table, np.int64))


def _scaled(x: Any, multiplier: int, shift: int, numerics: Numerics) -> Any:
    if not -31 <= shift <= 30:
        raise ModelError(f"a shift of {shift} bits is out of range")
    by = Requantization(
        np.array(multiplier, np.int32), np.array(shift, np.int32), numerics.rounding
    )
    return requantize(x, by)


def sigmoid_int16() -> NDArray[np.uint16]:
    """Logistic function at i / 24, i = 0 to 255, in Q0.16: equation (38).

    Each entry is moved by half the error that interpolation makes halfway to the next.
    """

    def value(i: float) -> float:
        return 65536.0 / (1.0 + math.exp(-i / 24.0))

    table = [
        math.floor(value(i) - ((value(i) + value(i + 1)) / 2 - value(i + 0.5)) / 2 + 0.5)
        for i in range(255)
    ]
    return np.array([*table, 65535], np.uint16)


def exp_int16() -> NDArray[np.int16]:
    """exp(x) for x in [-10, 0], output scale 2 / 65535: equation (39)."""
    return _interpolated(lambda v: np.exp(v), (10.0 / 65535.0, 32767), (2.0 / 65535.0, 0))


def reciprocal_int16() -> NDArray[np.int16]:
    """1 / (1 + x) for x in [0, 1], output scale 1 / 65535: equation (39)."""
    one = np.float32(1)
    return _interpolated(lambda v: one / (one + v), (1.0 / 65535.0, -32768), (2.0 / 65535.0, 0))


def _interpolated(
    function: Callable[[np.float32], np.float32],
    source: tuple[float, int],
    target: tuple[float, int],
) -> NDArray[np.int16]:
    """513 entries over the int16 range, moved by half the error of interpolation; all float32."""
    f32 = np.float32
    ends = [
        [f32(scale) * f32(limit - zero_point) for limit in (-32768, 32767)]
        for scale, zero_point in (source, target)
    ]
    (low, high), (out_low, out_high) = ends
    step = (high - low) / f32(512)
    half_step = step / f32(2)
    inverse = f32(65536) / (out_high - out_low)
    half = f32(2)
    table = []
    for i in range(512):
        at = low + f32(i) * step
        here, middle, after = (
            function(at),
            function(at + half_step),
            function(low + f32(i + 1) * step),
        )
        sample = _nearest(here * inverse)
        interpolated = _nearest((after * inverse + sample) / half)
        bias = _nearest((interpolated - _nearest(middle * inverse)) / half)
        table.append(min(max(float(sample - bias), -32768.0), 32767.0))
    table.append(min(max(float(_nearest(function(high) * inverse)), -32768.0), 32767.0))
    return np.array(table, np.int16)


def _nearest(x: np.float32) -> np.float32:
    return np.float32(np.sign(x) * np.floor(np.abs(x) + np.float32(0.5)))
