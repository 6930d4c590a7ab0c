"""SVDF: a block for each sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._scales import scales
from qembed.ir import Tensor
from qembed.ops.svdf import Svdf


def lower(params: Svdf, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    x, state = inputs
    filters, memory = params.time_weights.shape
    units = filters // params.rank
    values = {
        "rows": x.shape[0],
        "features": x.shape[1],
        "filters": filters,
        "units": units,
        "rank": params.rank,
        "memory": memory,
        "feature_weights": params.feature_weights,
        "time_weights": params.time_weights.astype(np.int16),
        "bias": params.bias,
        "by_state": scales(params.state_requantization),
        "by_output": scales(params.output_requantization),
        "input_zero_point": params.input_zero_point,
        "state_zero_point": params.state_zero_point,
        "output_zero_point": params.output_zero_point,
    }
    threads = x.shape[0] * filters
    return [Launch(f"svdf_{state.dtype}", "Svdf", values, threads, takes_block=True)]
