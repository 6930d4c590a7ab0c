"""Geometry of windows over images, as the kernels' records have it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qembed.backends.gpu.records import layout
from qembed.ir import Padding2D, Tensor

OUTSIDE = 1 << 29
"""A pixel that is in no image."""


def images(x: Tensor, y: Tensor) -> dict[str, int]:
    """Sizes of input and output, both (N, H, W, C)."""
    (n, in_h, in_w, in_c), (_, out_h, out_w, out_c) = x.shape, y.shape
    sizes = {"images": n, "in_h": in_h, "in_w": in_w, "in_c": in_c}
    return sizes | {"out_h": out_h, "out_w": out_w, "out_c": out_c}


def pair(name: str, values: tuple[int, int]) -> dict[str, int]:
    """Values of the fields `name`_h and `name`_w."""
    return {f"{name}_h": values[0], f"{name}_w": values[1]}


def corner(padding: Padding2D) -> dict[str, int]:
    """Values of the fields `pad_top` and `pad_left`."""
    return {"pad_top": padding[0][0], "pad_left": padding[1][0]}


def taps(
    window: tuple[int, int, int],
    dilation: tuple[int, int],
    x: Tensor,
    step: int,
    count: int,
) -> NDArray[np.void]:
    """Array of `struct Tap`: every `step`-th value of a (KH, KW, C) window, `count` of them."""
    made = np.zeros(count, layout("Tap"))
    made["y"] = made["x"] = OUTSIDE
    flat = np.arange(0, np.prod(window), step)
    ky, kx, c = np.unravel_index(flat, window)
    inside = made[: flat.size]
    inside["y"], inside["x"] = ky * dilation[0], kx * dilation[1]
    inside["offset"] = (inside["y"] * x.shape[2] + inside["x"]) * x.shape[3] + c
    return made


def in_all_bytes(value: int) -> int:
    """Repeat an int8 four times in a word."""
    return (value & 0xFF) * 0x01010101
