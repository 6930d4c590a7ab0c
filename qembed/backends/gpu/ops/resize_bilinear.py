"""RESIZE_BILINEAR: a thread for each output."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops import _windows
from qembed.ir import Tensor
from qembed.ops.resize_bilinear import ResizeBilinear


def lower(
    params: ResizeBilinear, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    (x,), (y,) = inputs, outputs
    sizes = _windows.images(x, y)
    values: Values = {
        "items": math.prod(y.shape),
        **{name: sizes[name] for name in ("in_h", "in_w", "out_h", "out_w")},
        "channels": y.shape[3],
        "row_low": params.rows.low,
        "row_high": params.rows.high,
        "row_fraction": params.rows.fraction,
        "column_low": params.columns.low,
        "column_high": params.columns.high,
        "column_fraction": params.columns.fraction,
        "ties_up": params.rounding == "single",
    }
    return [Launch(f"resize_bilinear_{x.dtype}", "ResizeBilinear", values, values["items"])]
