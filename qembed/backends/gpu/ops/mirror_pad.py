"""MIRROR_PAD: a movement of values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._positions import grid, move, strides
from qembed.ir import Tensor
from qembed.ops.mirror_pad import MirrorPad


def lower(params: MirrorPad, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x,) = inputs
    places = []
    for n, (before, after) in zip(x.shape, params.padding, strict=True):
        place = np.arange(-before, n + after)
        # A reflection begins with the edge itself, or with the value behind it.
        edge = 1 if params.repeat_edge else 0
        place = np.where(place < 0, -place - edge, place)
        places.append(np.where(place >= n, 2 * (n - 1) - place + edge, place))
    return move(outputs[0], grid(places, strides(x.shape)))
