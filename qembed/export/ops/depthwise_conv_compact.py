"""DEPTHWISE_CONV_2D in little code: preconditions and parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.export.lowering import Lowering
from qembed.export.ops import _compact, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.plan.layout import NHWC, Orders, differs

WINDOW_VALUES = 192
"""A window this large slides seldom enough; a larger one would show in the arena."""


@dataclass(frozen=True, slots=True)
class Window:
    """The padded rows that a channel is read through; fields as in qe_depthwise_conv_compact.h."""

    band: int
    row_values: int
    rows: int


def refusal(params: DepthwiseConv, x: Shape, y: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernels cannot run a layer of these shapes, or None if they can."""
    if orders != NHWC and (differs(x) or differs(y)):
        return "needs NHWC images"
    if x[0] != 1:
        return "needs one image"
    filters = params.weights.reshape(-1, params.weights.shape[2]).T
    if not _compact.fit(
        x, y, filters.shape, params.dilation, (plan_window(params, x, y).row_values,)
    ):
        return "counts to 65535"
    return _compact.refusal(params, filters, dtype)


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: DepthwiseConv = node.params
    x, y = (graph.tensors[i] for i in (node.inputs[0], node.outputs[0]))
    if refusal(params, x.shape, y.shape, x.dtype, orders) is not None:
        return None
    window = plan_window(params, x.shape, y.shape)
    filters = params.weights.reshape(-1, params.weights.shape[2]).T
    suffix = "3x3_" if _tuned.is_3x3(params) else ""
    return Lowering(
        stem="depthwise_conv",
        variant="compact",
        function=f"qe_depthwise_conv_{suffix}compact",
        params_type="qe_depthwise_conv_compact_params",
        fields={
            "filters": _compact.filters(params, np.ascontiguousarray(filters), filters.shape[1]),
            "input": _tuned.size(x.shape[1:3]),
            "input_c": x.shape[3],
            "channel_outputs": y.shape[3] // x.shape[3],
            "output": _tuned.size(y.shape[1:3]),
            "kernel": _tuned.size(params.weights.shape[:2]),
            "stride": _tuned.size(params.stride),
            "dilation": _tuned.size(params.dilation),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "band": window.band,
            "row_values": window.row_values,
        },
        sources=("compact/qe_depthwise_conv.c", "compact/qe_row.c"),
        headers=("qe_depthwise_conv_compact.h",),
        scratch_bytes=2 * window.rows * window.row_values,
        overlaps=(_tuned.banded_overlap(params, x.shape, y.shape, window.band, "nhwc"),),
    )


def plan_window(params: DepthwiseConv, x: Shape, y: Shape) -> Window:
    """Choose how many output rows a filling of the window serves."""
    kernel_h, kernel_w = params.weights.shape[:2]
    row = (y[2] - 1) * params.stride[1] + (kernel_w - 1) * params.dilation[1] + 1
    row = max(row, params.padding[1][0] + x[2])
    extent = (kernel_h - 1) * params.dilation[0] + 1
    most = max((WINDOW_VALUES // row - extent) // params.stride[0] + 1, 1)
    bands = -(-y[1] // most)
    band = -(-y[1] // bands)
    return Window(band, row, (band - 1) * params.stride[0] + extent)
