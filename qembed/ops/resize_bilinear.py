"""RESIZE_BILINEAR: every pixel from the four around its place, in steps of 1/1024 pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check

ONE = 1 << 10


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the output's rows, or its columns, lie in the input.

    Attributes
    ----------
    low, high : int32 ndarray, shape (size,)
        Positions before and after.
    fraction : int32 ndarray, same shape
        Weight of `high`, in [-1024, 1024]; of `low` it is 1024 - fraction. Outside [0, 1024] only
        where both positions are the same.
    """

    low: NDArray[np.int32]
    high: NDArray[np.int32]
    fraction: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class ResizeBilinear:
    """Parameters of one layer.

    Attributes
    ----------
    rows, columns : Places
    rounding : str
        Of ties: "double": away from zero; "single": towards +infinity.
    """

    rows: Places
    columns: Places
    rounding: Literal["double", "single"] = "double"


def infer(params: ResizeBilinear, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    if len(x.shape) != 4:
        raise ModelError(f"input has shape {x.shape}; this operator needs four dimensions (NHWC)")
    if params.rounding not in ("double", "single"):
        raise ModelError(f"rounding '{params.rounding}' is neither 'double' nor 'single'")
    _check_places("rows", params.rows, x.shape[1])
    _check_places("columns", params.columns, x.shape[2])
    return [((x.shape[0], params.rows.low.size, params.columns.low.size, x.shape[3]), x.dtype)]


def _check_places(what: str, places: Places, size: int) -> None:
    _check.require_array(f"{what}: low", places.low, ["int32"], (-1,))
    for name in ("high", "fraction"):
        _check.require_array(f"{what}: {name}", getattr(places, name), ["int32"], places.low.shape)
    for positions in (places.low, places.high):
        if positions.min() < 0 or positions.max() >= size:
            raise ModelError(f"{what} must lie in [0, {size})")
    between = (places.fraction >= 0) & (places.fraction <= ONE)
    level = (places.low == places.high) & (np.abs(places.fraction.astype(np.int64)) <= ONE)
    if not bool(np.all(between | level)):
        raise ModelError(f"{what}: a fraction is outside [0, {ONE}]")


def reference(params: ResizeBilinear, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (33).

    Parameters
    ----------
    x : int8 or int16 ndarray, shape (N, H, W, C)

    Returns
    -------
    ndarray of the same type, shape (N, OH, OW, C)
    """
    wide: Int64Array = x.astype(np.int64)
    down = params.rows.fraction.astype(np.int64)[:, None, None]
    right = params.columns.fraction.astype(np.int64)[:, None]
    above: Int64Array = wide[:, params.rows.low]
    below: Int64Array = wide[:, params.rows.high]
    rows: Int64Array = above * (ONE - down) + below * down
    before: Int64Array = rows[:, :, params.columns.low]
    after: Int64Array = rows[:, :, params.columns.high]
    total: Int64Array = before * (ONE - right) + after * right
    half = 1 << 19
    y: Int64Array
    if params.rounding == "single":
        y = (total + half) >> 20
    else:
        y = np.sign(total) * ((np.abs(total) + half) >> 20)
    return y.astype(x.dtype)
