"""Transcendental functions in fixed point, as gemmlowp defines them. docs/arithmetic.md, section 4.

A number in Qi.f is an int32 value divided by 2**f, with i + f = 31.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array, high_multiply, rounding_shift_right

INT32_MAX = (1 << 31) - 1

# exp(-2**k) in Q0.31 for k = -2 .. 4.
EXP_FACTORS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)


def saturate_int32(x: Int64Array) -> Int64Array:
    """Clamp to the int32 range."""
    return np.clip(x, -(1 << 31), INT32_MAX)


def count_leading_zeros(x: Int64Array) -> Int64Array:
    """Leading zero bits of uint32 values; 32 for zero."""
    # frexp is exact here: a uint32 fits in the 53 bits of a double.
    return (32 - np.frexp(x.astype(np.float64))[1]).astype(np.int64)


def _exp_on_quarter(a: Int64Array) -> Int64Array:
    """exp(a) for a in [-1/4, 0), Q0.31: a Taylor polynomial around -1/8."""
    x = a + (1 << 28)
    x2 = high_multiply(x, x)
    x3 = high_multiply(x2, x)
    x4 = high_multiply(x2, x2)
    cubic = high_multiply(rounding_shift_right(x4, 2) + x3, 715827883)
    tail = rounding_shift_right(cubic + x2, 1)
    return 1895147668 + high_multiply(x + tail, 1895147668)


def exp_on_negative_values(a: Int64Array, integer_bits: int) -> Int64Array:
    """exp(a) in Q0.31 for a <= 0 in Q(integer_bits)."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    remainder = (a & (quarter - 1)) - quarter
    result = _exp_on_quarter(saturate_int32(remainder << integer_bits))
    rest = remainder - a
    for exponent, factor in EXP_FACTORS:
        if exponent < integer_bits:
            bit = (rest >> (fraction_bits + exponent)) & 1
            result = np.where(bit == 1, high_multiply(result, factor), result)
    return np.where(a == 0, INT32_MAX, result)


def _half_reciprocal(a: Int64Array) -> Int64Array:
    """2 / (1 + a) by three Newton steps, Q2.29; a in [0, 1), Q0.31."""
    half_denominator = (a + INT32_MAX + 1) >> 1
    x = 1515870810 + high_multiply(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - high_multiply(half_denominator, x)
        x = x + saturate_int32(high_multiply(x, error) << 2)
    return x


def one_over_one_plus(a: Int64Array) -> Int64Array:
    """1 / (1 + a) in Q0.31, for a in [0, 1), Q0.31."""
    return saturate_int32(_half_reciprocal(a) << 1)


def one_minus_over_one_plus(a: Int64Array) -> Int64Array:
    """(1 - a) / (1 + a) in Q0.31, for a in [0, 1), Q0.31."""
    return saturate_int32((_half_reciprocal(a) - (1 << 29)) << 2)


def inverse_square_root(value: int) -> tuple[int, int]:
    """Return (multiplier, shift) that scale by 1 / sqrt(value), for value in [0, 2**31).

    0 and 1 give the largest multiplier and shift 0: a factor of almost 1.
    """
    if value <= 1:
        return INT32_MAX, 0
    shift = 11
    while value >= 1 << 29:
        value >>= 2
        shift += 1
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    shift -= pairs
    value <<= 2 * pairs

    # Newton's iteration in Q3.28, from 1; the input now lies in [1/4, 1).
    a: Int64Array = np.array(value >> 1, np.int64)
    half = rounding_shift_right(a, 1)
    x: Int64Array = np.array(1 << 28, np.int64)
    three_halves: Int64Array = np.array(3 << 27, np.int64)
    for _ in range(5):
        cube = saturate_int32(high_multiply(high_multiply(x, x), x) << 6)
        difference = high_multiply(three_halves, x) - high_multiply(half, cube)
        x = saturate_int32(difference << 3)
    multiplier = int(high_multiply(x, 1518500250))  # sqrt(1/2)
    return (multiplier << -shift, 0) if shift < 0 else (multiplier, -shift)


LOG_2 = 1488522236  # Q0.31, as the constants below
SQRT_HALF = 1518500250
SQRT_SQRT_HALF = 1805811301
QUARTER_Q6 = 1 << 23  # 1/4 in Q6.25


def _saturating_shift_left(x: Int64Array, exponent: Int64Array | int) -> Int64Array:
    return saturate_int32(x << exponent)


def log_of_sum(total: Int64Array) -> Int64Array:
    """log(total) in Q5.26, for total > 0 in Q12.19: a rational approximation around 2**(-1/4)."""
    # Two ways to bring the number next to 1; the better one has the larger power of two.
    zeros = count_leading_zeros(total)
    normal = _saturating_shift_left(total, zeros - 1)
    r_a = _saturating_shift_left(high_multiply(normal, SQRT_HALF), 1)
    power_a = saturate_int32(_saturating_shift_left(12 - zeros, 25) + QUARTER_Q6)

    headroom = count_leading_zeros(high_multiply(total, SQRT_HALF)) - 1
    r_b = _saturating_shift_left(total, headroom)
    power_b = saturate_int32(_saturating_shift_left(12 - headroom, 25) - QUARTER_Q6)

    r, power = np.minimum(r_a, r_b), np.maximum(power_a, power_b)
    p = (r + SQRT_SQRT_HALF + 1) >> 1
    q = 2 * (r - SQRT_SQRT_HALF)
    square = high_multiply(q, q)
    numerator = high_multiply(q, r) + high_multiply(high_multiply(q, square), 117049297)
    inner = 1057819769 + q + high_multiply(square, 127690142)
    denominator_less_1 = high_multiply(p, inner) + high_multiply(q, 638450708)
    quotient = high_multiply(
        rounding_shift_right(numerator, 6), one_over_one_plus(denominator_less_1)
    )
    return _saturating_shift_left(high_multiply(power, LOG_2) + quotient, 1)


def _sigmoid_input_int16(x: Int64Array, multiplier: int, shift: int) -> Int64Array:
    """Return inputs as steps of 1 / (3 * 2**12): the table's unit is 1/24."""
    return (x * multiplier + ((1 << shift) >> 1)) >> shift


def _interpolate(
    table: NDArray[np.uint16], magnitude: Int64Array, fraction_bits: int, end: int
) -> Int64Array:
    """Between the entries of a table, in units of 2**-fraction_bits; `end` beyond the last."""
    index = magnitude >> fraction_bits
    fraction = magnitude & ((1 << fraction_bits) - 1)
    entries = np.append(table.astype(np.int64), 0)
    at = np.minimum(index, 255)
    low, high = entries[at], entries[at + 1]
    inside = (low << fraction_bits) + fraction * (high - low)
    return np.where(index >= 255, end << fraction_bits, inside)


def logistic_int16(
    x: Int64Array, multiplier: int, shift: int, table: NDArray[np.uint16]
) -> Int64Array:
    """1 / (1 + exp(-x)) in Q0.15, for x in input steps."""
    v = _sigmoid_input_int16(x, multiplier, shift)
    result = _interpolate(table, np.abs(v), 9, 0x7FFF << 1)
    return np.where(v >= 0, result + (1 << 9), (1 << 25) - result + (1 << 9) - 1) >> 10


def tanh_int16(x: Int64Array, multiplier: int, shift: int, table: NDArray[np.uint16]) -> Int64Array:
    """Hyperbolic tangent in Q0.15, for x in input steps: 2 * logistic(2 * x) - 1."""
    v = _sigmoid_input_int16(x, multiplier, shift)
    result = _interpolate(table, np.abs(v), 8, 0xFFFF)
    middle = 1 << 23
    return np.where(v >= 0, result - middle + (1 << 7), middle - result + (1 << 7) - 1) >> 8
