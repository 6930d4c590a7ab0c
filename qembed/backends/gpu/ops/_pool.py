"""Pooling: a thread for each output."""

from __future__ import annotations

import math

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops import _windows
from qembed.ir import Tensor
from qembed.ops.average_pool import AveragePool
from qembed.ops.max_pool import MaxPool


def pool(kernel: str, params: AveragePool | MaxPool, x: Tensor, y: Tensor) -> list[Launch]:
    """Kernel of one node."""
    sizes = _windows.images(x, y)
    values = {
        "items": math.prod(y.shape),
        **{name: sizes[name] for name in ("in_h", "in_w", "out_h", "out_w")},
        "channels": y.shape[3],
        **_windows.pair("window", params.window),
        **_windows.pair("stride", params.stride),
        **_windows.corner(params.padding),
        "low": params.activation_range[0],
        "high": params.activation_range[1],
    }
    return [Launch(f"{kernel}_{x.dtype}", "Pool", values, math.prod(y.shape))]
