"""FULLY_CONNECTED for the Cortex-M DSP extension: preconditions and packing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import _dsp, _tuned, conv_dsp
from qembed.ir import Graph, Node, Tensor
from qembed.ops.fully_connected import FullyConnected
from qembed.plan import Overlap
from qembed.plan.layout import NHWC, Orders, differs
from qembed.plan.overlap import overlap_of

BLOCKS = (6, 2, 1)
"""Outputs that the kernel computes at a time: as many of the first as there are, then the next."""


def refusal(params: FullyConnected, x: Tensor, orders: Orders) -> str | None:
    """Why the kernels cannot run a layer, or None if they can."""
    if orders != NHWC and differs(x.shape):
        return "reads rows"
    if x.dtype != "int8" or params.weight_bits != 8:
        return "needs int8 activations and 8-bit weights"
    if not _dsp.requantizes(params.requantization):
        return "needs right shifts of 1 to 16"
    if not _dsp.pairs_fit(_dsp.pad_taps(params.weights)):
        return "cannot pair a weight of -128 with a negative one"
    if not _dsp.accumulates(params.weights, params.bias, params.input_zero_point):
        return "needs accumulators below 2**23"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: FullyConnected = node.params
    x = graph.tensors[node.inputs[0]]
    if refusal(params, x, orders) is not None:
        return None
    outputs, inputs = params.weights.shape
    if _tuned.is_minor(node, graph):
        return _as_convolution(params, math.prod(x.shape) // inputs)
    taps = _dsp.pad_taps(params.weights)
    padded = taps.shape[1] != inputs
    per_channel = params.requantization.multiplier.size > 1
    multiplier, shift = _dsp.multipliers(params.requantization, outputs if per_channel else 1)
    return Lowering(
        stem="fully_connected",
        variant="dsp",
        function=f"qe_fully_connected_{'padded_' if padded else ''}dsp",
        params_type="qe_fully_connected_dsp_params",
        fields={
            "rows": math.prod(x.shape) // inputs,
            "inputs": inputs,
            "outputs": outputs,
            "groups": taps.shape[1] // 4,
            "weights": CArray("weights", "uint32_t", weight_words(taps)),
            "bias": CArray("bias", "int32_t", folded_bias(params, taps)),
            "multiplier": CArray("multiplier", "int32_t", multiplier.astype(np.int32)),
            "shift": CArray("shift", "uint8_t", shift.astype(np.uint8)),
            "channel_step": int(per_channel),
            "quantization": _dsp.output_fields(
                params.requantization, params.output_zero_point, params.activation_range
            ),
        },
        sources=("dsp/qe_fully_connected.c",),
        headers=("qe_fully_connected_dsp.h", "qe_dsp.h"),
        scratch_bytes=taps.shape[1] if padded else 0,
        overlaps=(_overlap(math.prod(x.shape) // inputs, inputs, outputs, padded),),
    )


def _as_convolution(params: FullyConnected, rows: int) -> Lowering:
    """Lower the layer as a 1x1 convolution of a column of pixels."""
    outputs, inputs = params.weights.shape
    shapes = (1, rows, 1, inputs), (1, rows, 1, outputs)
    layer = _tuned.as_convolution(params)
    return replace(conv_dsp.lower_layer(layer, *shapes, NHWC), stem="fully_connected")


def _overlap(rows: int, inputs: int, outputs: int, padded: bool) -> Overlap:
    """State the order: a block reads the whole row, or its copy, then it is written."""
    ends, first = [], 0
    for block in BLOCKS:
        last = first + (outputs - first) // block * block
        ends += [(at + block) for at in range(first, last, block) for _ in range(block)]
        first = last
    row = np.arange(rows)[:, None] * (outputs + 1)
    read = row if padded else row + ends[-1]
    return overlap_of(np.repeat(read, inputs, axis=1), row + np.array(ends))


def weight_words(taps: NDArray[np.int8]) -> NDArray[np.uint32]:
    """Order the words of (outputs, taps) as ``qe_fully_connected_dsp_params.weights`` describes."""
    words = _dsp.pair_words(taps)
    parts, first = [], 0
    for block in BLOCKS:
        last = first + (len(words) - first) // block * block
        parts.append(words[first:last].reshape(-1, block, words.shape[1]).transpose(0, 2, 1))
        first = last
    return np.concatenate([part.ravel() for part in parts])


def folded_bias(params: FullyConnected, taps: NDArray[np.int8]) -> NDArray[np.int32]:
    """Compute what the sums start with: input zero point and the expansion's 127 folded in."""
    w = taps.astype(np.int64)
    folded = 256 * (params.bias - params.input_zero_point * w.sum(1)) - 127 * w[:, 1::2].sum(1)
    return _dsp.unsigned(folded).view(np.int32)
