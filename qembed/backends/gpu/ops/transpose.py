"""TRANSPOSE: a movement of values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._positions import grid, move, strides
from qembed.ir import Tensor
from qembed.ops.transpose import Transpose


def lower(params: Transpose, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    shape = inputs[0].shape
    steps = strides(shape)
    places = [np.arange(shape[axis]) for axis in params.permutation]
    return move(outputs[0], grid(places, [steps[axis] for axis in params.permutation]))
