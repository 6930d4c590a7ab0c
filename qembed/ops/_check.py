"""Small checks that operators share. Each raises ModelError with a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qembed.arithmetic import FLOAT_ROUNDINGS, ROUNDINGS, Requantization
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Padding2D, Shape, Tensor

INTEGER_LIMITS: dict[str, tuple[int, int]] = {
    dtype: (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for dtype in ("int8", "uint8", "int16", "int32")
}


def limits(dtype: str) -> tuple[int, int]:
    """Smallest and largest value of an integer activation type."""
    if dtype not in INTEGER_LIMITS:
        raise ModelError(f"type {dtype} is not an integer activation type")
    return INTEGER_LIMITS[dtype]


def require_dtype(tensor: Tensor, allowed: Sequence[DType]) -> None:
    """Refuse a tensor whose type the operator has no kernel for."""
    if tensor.dtype not in allowed:
        raise ModelError(
            f"tensor '{tensor.name}' is {tensor.dtype}; this operator takes {', '.join(allowed)}"
        )


def require_in_range(what: str, value: int, dtype: DType) -> None:
    """Refuse a zero point or clamp that the activation type cannot hold."""
    low, high = limits(dtype)
    if not low <= value <= high:
        raise ModelError(f"{what} {value} is outside [{low}, {high}] of {dtype}")


def require_activation_range(bounds: tuple[int, int], dtype: DType) -> None:
    """Refuse a clamp that is empty or wider than the activation type."""
    require_in_range("activation minimum", bounds[0], dtype)
    require_in_range("activation maximum", bounds[1], dtype)
    if bounds[0] > bounds[1]:
        raise ModelError(f"activation range {bounds} is empty")


def require_array(what: str, array: AnyArray, dtypes: Sequence[str], shape: Shape) -> None:
    """Refuse an array parameter of another type or shape. -1 in `shape` is any size from 1."""
    fits = array.ndim == len(shape) and all(
        got > 0 and want in (-1, got) for want, got in zip(shape, array.shape, strict=True)
    )
    if array.dtype.name not in dtypes or not fits:
        raise ModelError(
            f"{what} is {array.dtype.name}{list(array.shape)}, must be "
            f"{' or '.join(dtypes)}{list(shape)}"
        )


def require_requantization(what: str, by: Requantization, channels: int) -> None:
    """Refuse multipliers and shifts outside the ranges in which the arithmetic is defined."""
    size = by.multiplier.shape[0] if by.multiplier.ndim == 1 else -1
    if size not in (1, channels):
        raise ModelError(f"{what} has {size} multipliers, must have 1 or {channels}")
    require_array(f"{what} multiplier", by.multiplier, ["int32"], (size,))
    require_array(f"{what} shift", by.shift, ["int32"], (size,))
    if by.rounding in FLOAT_ROUNDINGS and by.real is not None:
        _require_real(what, by.real, size)
    elif by.rounding not in ROUNDINGS or by.real is not None:
        raise ModelError(
            f"{what} rounding '{by.rounding}' is none of {', '.join(ROUNDINGS)}, or of "
            f"{', '.join(FLOAT_ROUNDINGS)} with real multipliers"
        )
    normal = (by.multiplier >= 1 << 30) | (by.multiplier == 0)
    if not bool(np.all(normal & (by.shift >= -31) & (by.shift <= 30))):
        raise ModelError(
            f"{what} needs multipliers of 0 or in [2**30, 2**31) and shifts in [-31, 30]"
        )
    if by.rounding == "wide" and bool(np.any(by.shift > 7)):
        raise ModelError(f"{what} rounds 'wide' and needs shifts of at most 7")


def require_narrow_rounding(what: str, by: Requantization) -> None:
    """Refuse a rounding that is not of int32 sums: in fixed point, or in float32 on the desk."""
    if by.rounding != "float32":
        require_integer_rounding(what, by)


def require_integer_rounding(what: str, by: Requantization) -> None:
    """Refuse a rounding that only sums of products know."""
    if by.rounding not in ("double", "single"):
        raise ModelError(f"{what} must round 'double' or 'single', not '{by.rounding}'")


def _require_real(what: str, real: AnyArray, size: int) -> None:
    require_array(f"{what} real multiplier", real, ["float64"], (size,))
    if not bool(np.all((real >= 0) & (real < 2.0**30))):
        raise ModelError(f"{what} needs real multipliers in [0, 2**30)")


def require_window_overlap(shape: Shape, window: tuple[int, int], padding: Padding2D) -> None:
    """Refuse pooling whose first or last window could lie in the padding alone."""
    for axis in (0, 1):
        if max(padding[axis]) >= window[axis]:
            raise ModelError(f"padding {padding} leaves a pooling window {window} without a pixel")


def broadcast(shape1: Shape, shape2: Shape) -> Shape:
    """Shape of two operands broadcast against each other."""
    try:
        return tuple(int(n) for n in np.broadcast_shapes(shape1, shape2))
    except ValueError:
        raise ModelError(f"shapes {shape1} and {shape2} do not broadcast") from None


def require_axes(axes: tuple[int, ...], rank: int) -> None:
    """Refuse axes that are not a non-empty ascending choice of the tensor's."""
    if not axes or list(axes) != sorted(set(axes)) or axes[0] < 0 or axes[-1] >= rank:
        raise ModelError(f"axes {axes} must be ascending and within the {rank} dimensions")


def require_scale(scale: float | None) -> None:
    """Refuse a scale that is not a positive finite float32."""
    if scale is None or not 0.0 < scale < float("inf") or float(np.float32(scale)) != scale:
        raise ModelError(f"scale {scale} must be a positive, finite float32")
