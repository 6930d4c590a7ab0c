"""The numbered equations against definitions that share no code with them: exact fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed.arithmetic import (
    Requantization,
    high_multiply,
    quantize_multiplier,
    requantize,
    round_half_away,
    rounding_shift_right,
    wrap_int32,
)

INT32 = st.integers(-(2**31), 2**31 - 1)
MULTIPLIER = st.one_of(st.integers(2**30, 2**31 - 1), st.sampled_from([2**30, 2**31 - 1]))


def half_away(value: Fraction) -> int:
    return math.floor(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def scale(acc: int, multiplier: int, shift: int, rounding: str) -> int:
    by = Requantization(np.array([multiplier], np.int32), np.array([shift], np.int32), rounding)
    return int(requantize(np.array([acc], np.int64), by)[0])


@given(st.floats(2.0**-40, 2.0**29))
def test_quantized_multiplier_is_the_nearest(real):
    multiplier, shift = quantize_multiplier(real)
    if real < 2.0**-32:
        assert (multiplier, shift) == (0, 0)
        return
    assert 2**30 <= multiplier < 2**31
    exact = Fraction(real) / Fraction(2) ** (shift - 31)
    assert abs(exact - multiplier) <= Fraction(1, 2)


@pytest.mark.parametrize("real", [-1.0, math.inf, math.nan, 2.0**30])
def test_unusable_multipliers_are_refused(real):
    with pytest.raises(ValueError, match="outside"):
        quantize_multiplier(real)


def test_multiplier_that_rounds_up_to_a_power_of_two_is_renormalized():
    assert quantize_multiplier(1 - 2.0**-40) == (2**30, 1)


@given(INT32, INT32)
def test_high_multiply(a, b):
    want = min(half_up(Fraction(a * b, 2**31)), 2**31 - 1)
    assert high_multiply(np.array([a], np.int64), b)[0] == want


@given(INT32, st.integers(0, 31))
def test_rounding_shift_right(x, exponent):
    want = half_away(Fraction(x, 2**exponent))
    assert rounding_shift_right(np.array([x], np.int64), exponent)[0] == want


@pytest.mark.parametrize(("x", "want"), [(2**31, -(2**31)), (-(2**31) - 1, 2**31 - 1), (7, 7)])
def test_wrap_int32(x, want):
    assert wrap_int32(np.array([x], np.int64))[0] == want


@given(INT32, MULTIPLIER, st.integers(-31, 8))
def test_double_rounding(acc, multiplier, shift):
    raised = acc << max(shift, 0)
    raised = (raised + 2**31) % 2**32 - 2**31
    high = half_up(Fraction(raised * multiplier, 2**31))
    want = half_away(Fraction(high, 2 ** max(-shift, 0)))
    assert scale(acc, multiplier, shift, "double") == want


@given(st.integers(-(2**24), 2**24), MULTIPLIER, st.integers(-31, 5))
def test_single_rounding(acc, multiplier, shift):
    want = half_up(Fraction(acc * multiplier) / Fraction(2) ** (31 - shift))
    assert scale(acc, multiplier, shift, "single") == want


@pytest.mark.parametrize(("acc", "want"), [(2**30, 2**31 - 1), (-(2**30), -(2**31))])
def test_single_rounding_saturates(acc, want):
    assert scale(acc, 2**31 - 1, 5, "single") == want


@pytest.mark.parametrize("rounding", ["double", "single"])
def test_accumulators_have_32_bits(rounding):
    assert scale(2**32 + 5, 2**30, 1, rounding) == 5


@given(st.integers(-(2**40), 2**40), MULTIPLIER, st.integers(-31, 7))
def test_wide_rounding(acc, multiplier, shift):
    short = (multiplier + 2**15) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF
    want = half_up(Fraction(acc * short) / Fraction(2) ** (15 - shift))
    want = (want + 2**31) % 2**32 - 2**31
    assert scale(acc, multiplier, shift, "wide") == want


def test_the_two_roundings_differ_where_they_are_known_to():
    """A known vector: the first rounding produces the tie that the second one moves."""
    assert scale(-88337, 1462485078, -9, "double") == -118
    assert scale(-88337, 1462485078, -9, "single") == -117
    assert scale(-88337, 1462485049, -9, "double") == -117


@given(st.floats(-1e6, 1e6))
def test_round_half_away(value):
    assert round_half_away(value) == half_away(Fraction(value))


def test_ties_go_away_from_zero():
    assert [round_half_away(v) for v in (0.5, 1.5, 2.5, -0.5, -2.5)] == [1, 2, 3, -1, -3]
