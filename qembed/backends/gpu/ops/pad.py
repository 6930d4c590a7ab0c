"""PAD: a movement of values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._positions import grid, move, strides
from qembed.ir import Tensor
from qembed.ops.pad import Pad


def lower(params: Pad, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x,) = inputs
    places = []
    for n, (before, after) in zip(x.shape, params.padding, strict=True):
        place = np.arange(-before, n + after)
        places.append(np.where(place < n, np.maximum(place, -1), -1))
    return move(outputs[0], grid(places, strides(x.shape)), params.value)
