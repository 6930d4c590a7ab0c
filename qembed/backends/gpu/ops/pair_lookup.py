"""A table of pairs of int8: a thread for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._positions import pairs
from qembed.ir import Tensor
from qembed.ops.pair_lookup import PairLookup


def lower(params: PairLookup, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (y,) = outputs
    items = math.prod(y.shape)
    values = {"items": items, **pairs(inputs, y.shape), "table": params.table}
    return [Launch("pair_lookup_int8", "PairLookup", values, items)]
