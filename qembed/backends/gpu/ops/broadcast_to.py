"""BROADCAST_TO: a movement of values."""

from __future__ import annotations

from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._positions import broadcast, move
from qembed.ir import Tensor
from qembed.ops.broadcast_to import BroadcastTo


def lower(params: BroadcastTo, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    return move(outputs[0], broadcast(inputs[0].shape, params.shape))
