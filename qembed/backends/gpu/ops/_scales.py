"""Requantization as one formula: see `struct Scale` in kernels/common.cuh.

The roundings "double" and "single" of a multiplier m and a shift e, and "wide", all are
``(x * multiplier + addend - tie) >> right``. "double" rounds x * m / 2**31 first, ties up, then the
rest of k = -e > 0 bits, ties away from zero. Both floors are one:

    (floor((x*m + 2**30) / 2**31) + 2**(k-1) - [x < 0]) >> k
        = (x*m + 2**30 + 2**(30+k) - [x < 0] * 2**31) >> (31 + k)

Where x < 0 but the first rounding gives 0, both are 0 with and without the last term.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qembed.arithmetic import Requantization
from qembed.backends.gpu.records import layout

ROUNDINGS = {"double": 0, "single": 0, "wide": 1, "float32": 2, "float64": 3}
"""`enum Rounding`."""
NONE = {"scale": None, "step": 0, "rounding": 0}


def scales(by: Requantization) -> dict[str, Any]:
    """Values of a `struct Requantization`."""
    shift, multiplier = by.shift.astype(np.int64), by.multiplier.astype(np.int64)
    made = np.zeros(shift.size, layout("Scale"))
    if by.rounding == "double":
        right = np.maximum(-shift, 0)
        made["left"] = np.maximum(shift, 0)
        made["right"] = 31 + right
        made["tie"] = right > 0
        made["addend"] = (1 << 30) + np.where(right > 0, np.int64(1) << (30 + right), 0)
    elif by.rounding == "single":
        made["right"] = 31 - shift
        made["addend"] = np.int64(1) << (30 - shift)
    elif by.rounding == "wide":
        multiplier = np.minimum((multiplier + (1 << 15)) >> 16, (1 << 15) - 1)
        made["right"] = 15 - shift
        made["addend"] = np.int64(1) << (14 - shift)
    if by.real is not None:
        made["real"] = by.real
    made["multiplier"] = multiplier
    return {"scale": made, "step": int(shift.size > 1), "rounding": ROUNDINGS[by.rounding]}


def clamp(bounds: tuple[int, int], zero_point: int) -> dict[str, int]:
    """Values of a `struct Output`."""
    low, high = bounds
    return {"low": low - zero_point, "high": high - zero_point, "zero_point": zero_point}


def whole_range(dtype: str, zero_point: int) -> dict[str, int]:
    """Values of a `struct Output` that holds all of a type."""
    limits = np.iinfo(dtype)
    return clamp((int(limits.min), int(limits.max)), zero_point)
