"""RESIZE_NEAREST_NEIGHBOR: a movement of values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._positions import grid, move, strides
from qembed.ir import Tensor
from qembed.ops.resize_nearest import ResizeNearest


def lower(
    params: ResizeNearest, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    n, _, _, c = inputs[0].shape
    places = [
        np.arange(n),
        *(a.astype(np.int64) for a in (params.rows, params.columns)),
        np.arange(c),
    ]
    return move(outputs[0], grid(places, strides(inputs[0].shape)))
