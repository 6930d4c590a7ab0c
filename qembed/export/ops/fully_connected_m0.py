"""FULLY_CONNECTED for cores without DSP instructions: preconditions and packing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import _m0, _tuned, conv_m0
from qembed.ir import Graph, Node
from qembed.ops.fully_connected import FullyConnected
from qembed.plan.layout import NHWC, Orders, differs

BLOCK = 8
"""Outputs that the kernel computes at a time."""
ROUND = 4
"""Inputs of one turn of its loop."""


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: FullyConnected = node.params
    x = graph.tensors[node.inputs[0]]
    if x.dtype != "int8" or params.weight_bits != 8 or (orders != NHWC and differs(x.shape)):
        return None
    outputs, inputs = params.weights.shape
    rows, taps = math.prod(x.shape) // inputs, -(-inputs // ROUND) * ROUND
    if _tuned.is_minor(node, graph):
        shapes = (1, rows, 1, inputs), (1, rows, 1, outputs)
        shared = conv_m0.lower_layer(_tuned.as_convolution(params), *shapes, NHWC)
        if shared is not None:
            return replace(shared, stem="fully_connected")
    steps = _steps(params)
    if steps is None:
        return None
    padded = taps != inputs
    folded = params.bias - params.input_zero_point * params.weights.astype(np.int64).sum(1)
    heads = _m0.heads(steps, np.zeros(len(steps.start), np.int64))
    bias = np.pad((folded - steps.start) & 0xFFFFFFFF, (0, -outputs % BLOCK))
    return Lowering(
        stem="fully_connected",
        variant="m0",
        function=f"qe_fully_connected_{'padded_' if padded else ''}m0",
        params_type="qe_fully_connected_m0_params",
        fields={
            "rows": rows,
            "inputs": inputs,
            "outputs": outputs,
            "taps": taps,
            "weights": CArray("weights", "uint8_t", weight_bytes(params.weights, taps)),
            "heads": CArray("heads", "uint32_t", heads),
            "head_step": heads.shape[1] if len(heads) > 1 else 0,
            "bias": CArray("bias", "uint32_t", bias.astype(np.uint32)),
            "requantization": _m0.output_fields(steps, params.activation_range),
        },
        sources=("m0/qe_fully_connected.c",),
        headers=("qe_fully_connected_m0.h", "qe_m0.h"),
        scratch_bytes=taps if padded else 0,
        overlaps=(_tuned.row_overlap(rows, inputs, outputs, BLOCK, padded),),
    )


def weight_bytes(weights: NDArray[np.int8], taps: int) -> NDArray[np.uint8]:
    """Pack as ``qe_fully_connected_m0_params.weights`` describes: (blocks, taps, BLOCK)."""
    missing = (0, -weights.shape[0] % BLOCK), (0, taps - weights.shape[1])
    shifted = np.pad((weights.astype(np.int16) + 128).astype(np.uint8), missing)
    return shifted.reshape(-1, BLOCK, taps).transpose(0, 2, 1)


def _steps(params: FullyConnected) -> _m0.Steps | None:
    """Find the staircases of all outputs, or the one that all share."""
    by = params.requantization
    low, high = _m0.reachable(params.weights, params.bias, params.input_zero_point)
    if by.multiplier.size == 1:
        low, high = low.min(keepdims=True), high.max(keepdims=True)
    return _m0.find_steps(by, params.output_zero_point, params.activation_range, low, high)
