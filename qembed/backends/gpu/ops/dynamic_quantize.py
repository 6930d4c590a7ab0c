"""DynamicQuantizeLinear: a warp for each sample."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qembed.backends.gpu.lowering import Launch
from qembed.ir import Tensor
from qembed.ops.dynamic_quantize import DynamicQuantize


def lower(
    params: DynamicQuantize, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    items = math.prod(inputs[0].shape)
    return [Launch("dynamic_quantize_float32", "DynamicQuantize", {"items": items}, 32)]
