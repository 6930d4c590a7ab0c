"""GATHER: a movement of values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._positions import grid, move, strides
from qembed.ir import Tensor
from qembed.ops.gather import Gather


def lower(params: Gather, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x,) = inputs
    places = [np.arange(n) for n in x.shape]
    places[params.axis] = params.indices.astype(np.int64)
    return move(outputs[0], grid(places, strides(x.shape)))
