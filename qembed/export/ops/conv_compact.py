"""CONV_2D in little code: preconditions and parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qembed.export.lowering import Lowering
from qembed.export.ops import _compact, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.conv import Conv
from qembed.plan import Overlap
from qembed.plan.layout import NHWC, Orders, differs
from qembed.plan.overlap import overlap_of, windowed


def refusal(params: Conv, x: Shape, y: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernel cannot run a layer of these shapes, or None if it can."""
    if orders != NHWC and (differs(x) or differs(y)):
        return "needs NHWC images"
    if x[0] != 1 or x[3] != params.weights.shape[3] or params.dilation[1] != 1:
        return "needs one image, no groups and no dilation in width"
    filters = params.weights.reshape(params.weights.shape[0], -1)
    if not _compact.fit(x, y, filters.shape, params.dilation):
        return "counts to 65535"
    return _compact.refusal(params, filters, dtype)


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(node.params, x.shape, y.shape, x.dtype, orders) is not None:
        return None
    return lower_layer(node.params, x.shape, y.shape)


def lower_pairs(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer to the kernel that computes two pixels at a time, or None."""
    params: Conv = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(params, x.shape, y.shape, x.dtype, orders) is not None:
        return None
    filters = params.weights.reshape(params.weights.shape[0], -1)
    taps = _compact.padded_taps(filters)
    start = _compact.folded(params, filters)
    if bool(np.any(np.abs(start[1]) >= _compact.MAX_SUM)):
        return None
    one = lower_layer(params, x.shape, y.shape)
    return replace(
        one,
        variant="compact_pairs",
        function="qe_conv_pairs_compact",
        fields={
            **one.fields,
            "filters": _compact.filters(params, _compact.blocks(filters), taps, start),
        },
        sources=("compact/qe_conv_pairs.c", "compact/qe_row_pair.c", "compact/qe_row.c"),
        scratch_bytes=2 * taps,
        overlaps=(_overlap(params, x.shape, y.shape, 2),),
    )


def lower_layer(params: Conv, x: Shape, y: Shape) -> Lowering:
    """Lower a layer that is not refused, from NHWC shapes `x` to `y`."""
    filters = params.weights.reshape(params.weights.shape[0], -1)
    taps = _compact.padded_taps(filters)
    return Lowering(
        stem="conv",
        variant="compact",
        function="qe_conv_compact",
        params_type="qe_conv_compact_params",
        fields={
            "filters": _compact.filters(
                params, _compact.blocks(filters), taps, _compact.narrowest(params, filters)
            ),
            "input": _tuned.size(x[1:3]),
            "input_c": x[3],
            "output": _tuned.size(y[1:3]),
            "kernel": _tuned.size(params.weights.shape[1:3]),
            "stride": _tuned.size(params.stride),
            "dilation_h": params.dilation[0],
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
        },
        sources=("compact/qe_conv.c", "compact/qe_row.c"),
        headers=("qe_conv_compact.h",),
        scratch_bytes=taps,
        overlaps=(_overlap(params, x, y, 1),),
    )


def _overlap(params: Conv, x: Shape, y: Shape, pixels: int) -> Overlap:
    """State the order: so many windows are read, then all channels of their pixels are written."""
    pixel = np.arange(y[1] * y[2]).reshape(1, y[1], y[2]) // pixels
    corner = (params.padding[0][0], params.padding[1][0])
    kernel = params.weights.shape[1:3]
    last = windowed(x, y, (kernel[0], kernel[1]), params.stride, params.dilation, corner, pixel)
    return overlap_of(_tuned.in_order(last, x[3], "nhwc"), _tuned.in_order(pixel, y[3], "nhwc"))
