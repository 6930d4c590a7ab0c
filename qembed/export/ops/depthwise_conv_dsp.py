"""DEPTHWISE_CONV_2D for the Cortex-M DSP extension: preconditions and packing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import _dsp, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.plan.layout import Orders

WINDOW_BYTES = 512
"""A window this large slides seldom enough; a larger one would show in the arena."""

_ORDER_3X3 = (
    *((0, 0), (1, 0), (0, 2), (1, 2)),
    *((2, 0), (0, 1), (2, 2), (1, 1)),
    *(None, None, None, (2, 1)),
)
"""Where the bytes of a 3x3 record come from: see qe_depthwise_conv_dsp.h."""


@dataclass(frozen=True, slots=True)
class Window:
    """The padded rows that a plane is read through; fields as in qe_depthwise_conv_dsp.h."""

    band: int
    row_bytes: int
    rows: int

    @property
    def nbytes(self) -> int:
        """Scratch that it takes."""
        return self.rows * self.row_bytes


def refusal(params: DepthwiseConv, shape: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernels cannot run a layer of this input shape, or None if they can."""
    if dtype != "int8" or params.weight_bits != 8 or shape[0] != 1:
        return "needs one int8 image and 8-bit weights"
    if orders.inputs != "planar" or orders.outputs != "planar":
        return "needs activations in planes"
    if not _dsp.requantizes(params.requantization):
        return "needs right shifts of 1 to 16"
    taps = params.weights.reshape(-1, params.weights.shape[2]).T
    if not _dsp.accumulates(taps, params.bias, params.input_zero_point):
        return "needs accumulators below 2**23"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: DepthwiseConv = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(params, x.shape, x.dtype, orders) is not None:
        return None
    window = plan_window(params, x.shape, y.shape)
    suffix = f"3x3_s{params.stride[1]}_" if _tuned.is_3x3(params) else ""
    packed = records(params)
    return Lowering(
        stem="depthwise_conv",
        variant="dsp",
        function=f"qe_depthwise_conv_{suffix}dsp",
        params_type="qe_depthwise_conv_dsp_params",
        fields={
            "input": _tuned.shape(x.shape),
            "output": _tuned.shape(y.shape),
            "kernel": _tuned.size(params.weights.shape[:2]),
            "stride": _tuned.size(params.stride),
            "dilation": _tuned.size(params.dilation),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "channel_outputs": y.shape[3] // x.shape[3],
            "input_zero_point": params.input_zero_point,
            "channel_step": y.shape[1] * y.shape[2],
            "band": window.band,
            "row_bytes": window.row_bytes,
            "record_words": packed.shape[1],
            "records": CArray("records", "uint32_t", packed),
            "quantization": _dsp.output_fields(
                params.requantization, params.output_zero_point, params.activation_range
            ),
        },
        sources=("dsp/qe_depthwise_conv.c",),
        headers=("qe_depthwise_conv_dsp.h", "qe_dsp.h"),
        scratch_bytes=window.nbytes,
        overlaps=(_tuned.banded_overlap(params, x.shape, y.shape, window.band),),
    )


def row_kernel(lowering: Lowering, params: DepthwiseConv, window: Shape) -> Lowering:
    """Let the rows of a window lie anywhere.

    Parameters
    ----------
    lowering : Lowering
        Of the layer that computes one row from the image of `window`.
    """
    row_bytes = lowering.fields["row_bytes"]
    assert isinstance(row_bytes, int)
    return replace(
        lowering,
        function=lowering.function.replace("_dsp", "_row_dsp"),
        scratch_bytes=window[1] * row_bytes,
    )


def plan_window(params: DepthwiseConv, x: Shape, y: Shape) -> Window:
    """Choose how many output rows a filling of the window serves."""
    kernel_h, kernel_w = params.weights.shape[:2]
    row = (y[2] - 1) * params.stride[1] + (kernel_w - 1) * params.dilation[1] + 1
    if _tuned.is_3x3(params):
        # A last single output is computed from a whole word.
        row = (y[2] - 1) * params.stride[1] + 4
    row = max(row, params.padding[1][0] + x[2]) + 3 & ~3
    extent = (kernel_h - 1) * params.dilation[0] + 1
    most = max((WINDOW_BYTES // row - extent) // params.stride[0] + 1, 1)
    bands = -(-y[1] // most)
    band = -(-y[1] // bands)
    return Window(band, row, (band - 1) * params.stride[0] + extent)


def records(params: DepthwiseConv) -> NDArray[np.uint32]:
    """Pack the layer as ``qe_depthwise_conv_dsp_params.records`` describes."""
    channels = params.weights.shape[2]
    sums = params.weights.astype(np.int64).sum((0, 1))
    folded = params.bias - params.input_zero_point * sums
    multiplier, shift = _dsp.multipliers(params.requantization, channels)
    head = _dsp.unsigned(np.stack([256 * folded + shift, multiplier], axis=1))
    if _tuned.is_3x3(params):
        zero = np.zeros(channels, np.int8)
        taps = np.stack([zero if at is None else params.weights[at] for at in _ORDER_3X3], axis=1)
    else:
        taps = _dsp.pad_taps(params.weights.reshape(-1, channels).T)
    return np.concatenate([head, np.ascontiguousarray(taps).view("<u4")], axis=1)
