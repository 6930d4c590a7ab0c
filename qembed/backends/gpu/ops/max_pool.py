"""MAX_POOL_2D: a thread for each output."""

from __future__ import annotations

from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._pool import pool
from qembed.ir import Tensor
from qembed.ops.max_pool import MaxPool


def lower(params: MaxPool, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    return pool("max_pool", params, inputs[0], outputs[0])
