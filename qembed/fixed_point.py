"""Transcendental functions in fixed point, as gemmlowp defines them. docs/arithmetic.md, section 4.

A number in Qi.f is an int32 value divided by 2**f, with i + f = 31.
"""

from __future__ import annotations

import numpy as np

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
