"""REDUCE_MAX and REDUCE_MIN: a thread for each output."""

from __future__ import annotations

from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops._reduce import reduced
from qembed.ir import Tensor
from qembed.ops.reduce_extremum import ReduceExtremum


def lower(
    params: ReduceExtremum, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    (x,) = inputs
    values: Values = reduced(x, params.axes) | {"largest": params.largest}
    return [Launch(f"reduce_extremum_{x.dtype}", "Reduce", values, values["items"])]
