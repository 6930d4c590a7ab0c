"""ConvInteger: a thread for each sum."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops import _windows
from qembed.ir import Tensor
from qembed.ops.conv_integer import ConvInteger


def lower(params: ConvInteger, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    x, y = inputs[0], outputs[0]
    _, kh, kw, group_in = params.weights.shape
    values: Values = {
        **_windows.images(x, y),
        **_windows.pair("kernel", (kh, kw)),
        **_windows.pair("stride", params.stride),
        **_windows.pair("dilation", params.dilation),
        **_windows.corner(params.padding),
        "group_in": group_in,
        "group_out": y.shape[3] // (x.shape[3] // group_in),
        "weights": params.weights,
    }
    return [Launch("conv_integer_int8", "ConvInteger", values, math.prod(y.shape))]
