"""FULLY_CONNECTED for Helium: preconditions and packing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import _mve
from qembed.ir import Graph, Node
from qembed.ops.fully_connected import FullyConnected
from qembed.plan import Overlap
from qembed.plan.layout import NHWC, Orders, differs
from qembed.plan.overlap import overlap_of


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: FullyConnected = node.params
    x = graph.tensors[node.inputs[0]]
    outputs, inputs = params.weights.shape
    if x.dtype != "int8" or params.weight_bits != 8 or (orders != NHWC and differs(x.shape)):
        return None
    if not _mve.requantizes(params.requantization):
        return None
    if not _mve.accumulates(params.weights, params.input_zero_point, params.bias):
        return None
    rows = math.prod(x.shape) // inputs
    whole = inputs % _mve.LANES == 0
    vectors = -(-inputs // _mve.LANES)
    scale = scales(params)
    return Lowering(
        stem="fully_connected",
        variant="mve",
        function=f"qe_fully_connected_{'' if whole else 'padded_'}mve",
        params_type="qe_fully_connected_mve_params",
        fields={
            "rows": rows,
            "inputs": inputs,
            "outputs": outputs,
            "vectors": vectors,
            "blocks": CArray("blocks", "int8_t", blocks(params)),
            "scales": CArray("scales", "int32_t", scale),
            "step": 32 if len(scale) > 1 else 0,
            "quantization": _mve.output_fields(params.output_zero_point, params.activation_range),
        },
        sources=("mve/qe_fully_connected.c",),
        headers=("qe_fully_connected_mve.h", "qe_mve.h"),
        scratch_bytes=0 if whole else 16 * vectors,
        overlaps=(_overlap(rows, inputs, outputs, whole),),
    )


def blocks(params: FullyConnected) -> NDArray[np.int8]:
    """Pack as ``qe_fully_connected_mve_params.blocks`` describes."""
    filled = _mve.pad(_mve.pad(params.weights, _mve.LANES, 1), 4, 0)
    vectors = filled.reshape(-1, 4, filled.shape[1] // _mve.LANES, _mve.LANES).transpose(0, 2, 1, 3)
    folded = _mve.pad(_mve.fold(params.weights, params.input_zero_point, params.bias), 4, 0)
    biases = folded.astype("<i4").view(np.int8).reshape(len(vectors), -1)
    return np.concatenate([vectors.reshape(len(vectors), -1), biases], axis=1)


def scales(params: FullyConnected) -> NDArray[np.int32]:
    """Pack as ``qe_fully_connected_mve_params.scales`` describes: (blocks or 1, 2, 4)."""
    by = params.requantization
    count = 4 if by.multiplier.size == 1 else by.multiplier.size
    parts = np.stack([np.broadcast_to(part, count) for part in (by.multiplier, by.shift)])
    return _mve.pad(parts, 4, 1).reshape(2, -1, 4).transpose(1, 0, 2).astype(np.int32)


def _overlap(rows: int, inputs: int, outputs: int, whole: bool) -> Overlap:
    """State the order: a block of four outputs reads the row, or its copy, then it is written."""
    blocks = -(-outputs // 4)
    row = np.arange(rows)[:, None] * (blocks + 1)
    read = row + (blocks if whole else 0)
    return overlap_of(np.repeat(read, inputs, axis=1), row + 1 + np.arange(outputs) // 4)
