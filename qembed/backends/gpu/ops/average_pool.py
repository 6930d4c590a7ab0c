"""AVERAGE_POOL_2D: a thread for each output."""

from __future__ import annotations

from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._pool import pool
from qembed.ir import Tensor
from qembed.ops.average_pool import AveragePool


def lower(params: AveragePool, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    return pool("average_pool", params, inputs[0], outputs[0])
