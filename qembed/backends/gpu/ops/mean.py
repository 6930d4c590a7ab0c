"""MEAN: a thread for each output."""

from __future__ import annotations

from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops._reduce import reduced
from qembed.backends.gpu.ops._scales import scales, whole_range
from qembed.ir import Tensor
from qembed.ops.mean import Mean


def lower(params: Mean, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x,) = inputs
    values: Values = reduced(x, params.axes) | {
        "input_zero_point": params.input_zero_point,
        "by": scales(params.requantization),
        "to": whole_range(x.dtype, params.output_zero_point),
    }
    return [Launch(f"mean_{x.dtype}", "Reduce", values, values["items"])]
