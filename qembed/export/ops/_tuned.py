"""What tuned kernels of all instruction sets share on the desk."""

from __future__ import annotations

import numpy as np

from qembed.arithmetic import Int64Array
from qembed.export.lowering import Value
from qembed.ir import Shape
from qembed.ops.conv import Conv
from qembed.plan.layout import Order


def shape(of: Shape) -> dict[str, Value]:
    """Initialize a ``qe_shape`` from an NHWC shape."""
    return {"h": of[1], "w": of[2], "c": of[3]}


def size(of: tuple[int, ...]) -> dict[str, Value]:
    """Initialize a ``qe_size``."""
    return {"h": of[0], "w": of[1]}


def is_pointwise(params: Conv) -> bool:
    """Whether each output pixel sees just the input pixel at its place."""
    return (
        params.weights.shape[1:3] == (1, 1)
        and params.stride == (1, 1)
        and params.padding == ((0, 0), (0, 0))
    )


def in_order(pixels: Int64Array, channels: int, order: Order) -> Int64Array:
    """Give all channels the step of their pixel, in storage order.

    Parameters
    ----------
    pixels : int64 ndarray, shape (1, H, W)
    """
    axis = 1 if order == "planar" else 3
    return np.repeat(np.expand_dims(pixels, axis), channels, axis)
