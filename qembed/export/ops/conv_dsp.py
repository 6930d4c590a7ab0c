"""CONV_2D for the Cortex-M DSP extension: which layers its kernels compute exactly, and packing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import _dsp, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.conv import Conv
from qembed.plan import Overlap
from qembed.plan.layout import Orders
from qembed.plan.overlap import overlap_of, windowed

TILE_PIXELS = 3
MOST_SCRATCH = 2048
"""Of a tile of three pixels in a row kernel; larger layers take tiles of two."""


def refusal(params: Conv, shape: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernels cannot run a layer of this input shape, or None if they can."""
    taps = _taps(params)
    if dtype != "int8" or params.weight_bits != 8 or shape[0] != 1:
        return "needs one int8 image and 8-bit weights"
    if shape[3] != params.weights.shape[3]:
        return "has no groups"
    if orders.inputs == "planar" and not _tuned.is_pointwise(params):
        return "reads planes only in 1x1 convolutions of stride 1"
    if not _dsp.requantizes(params.requantization):
        return "needs right shifts of 1 to 16"
    if not _dsp.pairs_fit(taps):
        return "cannot pair a weight of -128 with a negative one"
    if not _dsp.accumulates(taps, params.bias, params.input_zero_point):
        return "needs accumulators below 2**23"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(node.params, x.shape, x.dtype, orders) is not None:
        return None
    return lower_layer(node.params, x.shape, y.shape, orders)


def lower_layer(params: Conv, x: Shape, y: Shape, orders: Orders) -> Lowering:
    """Lower a layer that is not refused, from NHWC shapes `x` to `y`."""
    groups = _taps(params).shape[1] // 4
    planar_in = orders.inputs == "planar"
    planar_out = orders.outputs == "planar"
    return Lowering(
        stem="conv",
        variant="dsp",
        function="qe_conv_1x1_planar_dsp" if planar_in else "qe_conv_dsp",
        params_type="qe_conv_dsp_params",
        fields={
            "input": _tuned.shape(x),
            "output": _tuned.shape(y),
            "kernel": _tuned.size(params.weights.shape[1:3]),
            "stride": _tuned.size(params.stride),
            "dilation": _tuned.size(params.dilation),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "input_zero_point": params.input_zero_point,
            "groups": groups,
            "records": CArray("records", "uint32_t", records(params)),
            "quantization": _dsp.output_fields(
                params.requantization, params.output_zero_point, params.activation_range
            ),
            "channel_step": y[1] * y[2] if planar_out else 1,
            "pixel_step": 1 if planar_out else y[3],
        },
        sources=("dsp/qe_conv.c",),
        headers=("qe_conv_dsp.h", "qe_dsp.h"),
        scratch_bytes=groups * (24 if planar_in else 28),
        overlaps=(_overlap(params, x, y, orders),),
    )


def row_kernel(lowering: Lowering, params: Conv, window: Shape) -> Lowering:
    """Let the rows of a window lie anywhere.

    Parameters
    ----------
    lowering : Lowering
        Of the layer that computes one row from the image of `window`.
    """
    groups = _taps(params).shape[1] // 4
    if lowering.orders.inputs == "planar":
        return replace(lowering, function="qe_conv_1x1_planar_row_dsp")
    small = 24 * groups > MOST_SCRATCH
    run = params.weights.shape[2] * window[3]
    return replace(
        lowering,
        function="qe_conv_row_small_dsp" if small else "qe_conv_row_dsp",
        scratch_bytes=groups * (16 if small else 24) + (4 * groups if run % 4 else run),
    )


def records(params: Conv) -> NDArray[np.uint32]:
    """Pack the layer as ``qe_conv_dsp_params.records`` describes."""
    taps = _taps(params)
    channels = taps.shape[0]
    w = taps.astype(np.int64)
    folded = params.bias - params.input_zero_point * w.sum(1) + 127 * w[:, 0::2].sum(1)
    multiplier, shift = _dsp.multipliers(params.requantization, channels)
    head = _dsp.unsigned(np.stack([256 * folded + shift, multiplier]))
    words = _dsp.pair_words(taps)
    if channels % 2:
        head = np.concatenate([head, head[:, -1:]], axis=1)
        words = np.concatenate([words, words[-1:]])
    heads = head.reshape(2, -1, 2).transpose(1, 0, 2).reshape(-1, 4)
    bodies = words.reshape(len(heads), 2, -1).transpose(0, 2, 1).reshape(len(heads), -1)
    return np.concatenate([heads, bodies], axis=1)


def _overlap(params: Conv, x: Shape, y: Shape, orders: Orders) -> Overlap:
    """State the order: a tile of pixels is read, then written, in all channels."""
    tile = np.arange(y[1] * y[2]).reshape(1, y[1], y[2]) // TILE_PIXELS
    corner = (params.padding[0][0], params.padding[1][0])
    kernel = params.weights.shape[1:3]
    last = windowed(x, y, (kernel[0], kernel[1]), params.stride, params.dilation, corner, tile)
    return overlap_of(
        _tuned.in_order(last, x[3], orders.inputs), _tuned.in_order(tile, y[3], orders.outputs)
    )


def _taps(params: Conv) -> NDArray[np.int8]:
    return _dsp.pad_taps(params.weights.reshape(params.weights.shape[0], -1))
