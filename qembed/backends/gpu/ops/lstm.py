"""UNIDIRECTIONAL_SEQUENCE_LSTM: a block for each sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops._scales import scales
from qembed.ir import Tensor
from qembed.ops.lstm import GATES, Gate, Lstm


def lower(params: Lstm, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x, hidden, _) = inputs
    sequences, cells = hidden.shape
    steps = x.shape[0 if params.time_major else 1]
    values = {
        "sequences": sequences,
        "steps": steps,
        "features": x.shape[2],
        "cells": cells,
        "sequence_stride": 1 if params.time_major else steps,
        "step_stride": sequences if params.time_major else 1,
        "gates": [_gate(getattr(params, name)) for name in GATES],
        "table": params.table,
        "forget": scales(params.forget_requantization),
        "update": scales(params.update_requantization),
        "emit": scales(params.hidden_requantization),
        "tanh_multiplier": params.tanh_multiplier,
        "tanh_shift": params.tanh_shift,
        "cell_clip": params.cell_clip,
        "input_zero_point": params.input_zero_point,
        "hidden_zero_point": params.hidden_zero_point,
    }
    return [Launch(f"lstm_{x.dtype}", "Lstm", values, sequences * cells, takes_block=True)]


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "input_weights": gate.input_weights,
        "recurrent_weights": gate.recurrent_weights,
        "bias": gate.bias.astype(np.int64),
        "by_input": scales(gate.input_requantization),
        "by_hidden": scales(gate.recurrent_requantization),
    }
