"""Values over reduced axes, as `struct Reduce` has them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qembed.backends.gpu.ops._positions import grid, strides
from qembed.backends.gpu.ops._scales import NONE
from qembed.ir import Tensor


def reduced(x: Tensor, axes: tuple[int, ...]) -> dict[str, Any]:
    """Values of a `struct Reduce`; the caller replaces those that its kernel reads."""
    steps = strides(x.shape)
    kept = [axis for axis in range(len(x.shape)) if axis not in axes]
    base, offset = (
        grid([np.arange(x.shape[a]) for a in part], [steps[a] for a in part])
        for part in (kept, axes)
    )
    return {
        "items": math.prod(x.shape[axis] for axis in kept),
        "count": offset.size,
        "base": base,
        "offset": offset,
        "largest": 0,
        "input_zero_point": 0,
        "by": NONE,
        "to": {"low": 0, "high": 0, "zero_point": 0},
    }
