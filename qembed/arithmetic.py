"""Fixed-point arithmetic of the int8 quantization scheme. Normative text: docs/arithmetic.md.

    real = scale * (quantized - zero_point)

A real multiplier M is stored as ``multiplier * 2**(shift - 31)`` with ``multiplier`` in
[2**30, 2**31); a positive ``shift`` shifts left. Everything here is NumPy int64 by definition:
it is the specification that the host and device kernels are tested against.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Int64Array = NDArray[np.int64]

Rounding = Literal["double", "single", "wide", "float32", "float64"]
"""How `requantize` rounds: "double" (TFLite Micro's default), "single" (its single-rounding
builds), "wide" (its 64-bit accumulators: 16-bit multiplier, one rounding), or as desktop runtimes
do in floating point: "float32" (ties to even) and "float64" (ties away from zero)."""

ROUNDINGS: tuple[Rounding, ...] = ("double", "single", "wide")
"""In fixed point: what a device computes."""

FLOAT_ROUNDINGS: tuple[Rounding, ...] = ("float32", "float64")
"""In floating point: on the desk alone, to reproduce a desktop runtime."""


@dataclass(frozen=True, slots=True)
class Requantization:
    """Scale of accumulators to output steps, one per channel or one for all.

    Attributes
    ----------
    multiplier : int32 ndarray, shape (C,) or (1,)
        Q0.31 mantissa: 0, or in [2**30, 2**31 - 1].
    shift : int32 ndarray, same shape
        In [-31, 30]; positive shifts left.
    rounding : Rounding
    real : float64 ndarray, same shape, optional
        The real multiplier, in [0, 2**30): given if and only if the rounding is one of
        `FLOAT_ROUNDINGS`, which use it in place of `multiplier` and `shift`.
    """

    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]
    rounding: Rounding = "double"
    real: NDArray[np.float64] | None = None


def quantize_multiplier(real_multiplier: float) -> tuple[int, int]:
    """Split a real multiplier into ``(multiplier, shift)``, equation (1).

    Parameters
    ----------
    real_multiplier : float
        Finite, in [0, 2**30). Below 2**-32 it is flushed to (0, 0).
    """
    if not 0.0 <= real_multiplier < 2.0**30:
        raise ValueError(f"real multiplier {real_multiplier} is outside [0, 2**30)")
    if real_multiplier == 0.0:
        return 0, 0
    mantissa, shift = math.frexp(real_multiplier)
    multiplier = math.floor(mantissa * (1 << 31) + 0.5)  # ties away; round() would go to even
    if multiplier == 1 << 31:
        multiplier, shift = 1 << 30, shift + 1
    return (multiplier, shift) if shift >= -31 else (0, 0)


def requantization(real_multipliers: NDArray[np.float64], rounding: Rounding) -> Requantization:
    """Quantize real multipliers, shape (C,), into a `Requantization`."""
    pairs = [quantize_multiplier(float(real)) for real in np.atleast_1d(real_multipliers)]
    multiplier, shift = np.array(pairs, np.int64).T
    real = np.atleast_1d(real_multipliers) if rounding in FLOAT_ROUNDINGS else None
    return Requantization(multiplier.astype(np.int32), shift.astype(np.int32), rounding, real)


def round_half_away(value: float) -> int:
    """Nearest integer, ties away from zero: C's ``round``, not Python's."""
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)


def wrap_int32(x: Int64Array) -> Int64Array:
    """Two's complement int32 value of the low 32 bits of each element."""
    return (x.astype(np.int64) & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


def high_multiply(a: Int64Array, b: Int64Array | int) -> Int64Array:
    """Round(a * b / 2**31), ties towards +infinity, saturated: equation (2)."""
    product: Int64Array = a * b
    high: Int64Array = np.minimum((product + (1 << 30)) >> 31, 2**31 - 1)
    return high


def rounding_shift_right(x: Int64Array, exponent: Int64Array | int) -> Int64Array:
    """Round(x / 2**exponent), ties away from zero: equation (3). `exponent` in [0, 31]."""
    mask = np.left_shift(np.int64(1), exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    rounded: Int64Array = (x >> exponent) + ((x & mask) > threshold)
    return rounded


def requantize(acc: Int64Array, by: Requantization) -> Int64Array:
    """Scale accumulators by ``multiplier * 2**(shift - 31)``: equations (4), (5), (6).

    The floating-point roundings are those of LiteRT: XNNPACK's ("float32") and its reference
    FULLY_CONNECTED's ("float64").

    Parameters
    ----------
    acc : int64 ndarray, shape (..., C)
        "double", "single": int32 accumulators, so of larger values the low 32 bits count.
        "wide": below 2**47 in magnitude.

    Returns
    -------
    int64 ndarray, shape (..., C)
        int32 values, before the output zero point is added; "single" saturates, "wide" wraps.
    """
    if by.real is not None:
        return _requantize_real(acc, by.real, by.rounding)
    multiplier, shift = by.multiplier.astype(np.int64), by.shift.astype(np.int64)
    if by.rounding == "single":
        right = 31 - shift
        scaled = (wrap_int32(acc) * multiplier + (np.int64(1) << (right - 1))) >> right
        saturated: Int64Array = np.clip(scaled, -(1 << 31), (1 << 31) - 1)
        return saturated
    if by.rounding == "wide":
        multiplier = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
        right = 15 - shift
        return wrap_int32((acc * multiplier + (np.int64(1) << (right - 1))) >> right)
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    return rounding_shift_right(high_multiply(wrap_int32(acc << left), multiplier), right)


def _requantize_real(acc: Int64Array, real: NDArray[np.float64], rounding: Rounding) -> Int64Array:
    """Round(acc * real) in float32, ties to even, or in float64, ties away from zero."""
    if rounding == "float32":
        return np.rint(acc.astype(np.float32) * real.astype(np.float32)).astype(np.int64)
    product = acc * real
    return np.copysign(np.floor(np.abs(product) + 0.5), product).astype(np.int64)
