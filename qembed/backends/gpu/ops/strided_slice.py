"""STRIDED_SLICE and its like: a movement of values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._positions import grid, move, strides
from qembed.ir import Tensor
from qembed.ops.strided_slice import StridedSlice


def lower(
    params: StridedSlice, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    picks = zip(params.begin, params.stride, params.size, strict=True)
    places = [begin + stride * np.arange(size) for begin, stride, size in picks]
    return move(outputs[0], grid(places, strides(inputs[0].shape)))
