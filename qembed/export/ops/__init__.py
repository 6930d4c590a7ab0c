"""Lowering of every operator: one module each, and this table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qembed.arithmetic import FLOAT_ROUNDINGS, Requantization
from qembed.errors import UnsupportedError
from qembed.export.lowering import Lowering, TunedKernel
from qembed.export.ops import (
    _cmsis_nn,
    add,
    add_compact,
    add_dsp,
    add_m0,
    add_mve,
    arg_extremum,
    average_pool,
    average_pool_compact,
    average_pool_dsp,
    average_pool_m0,
    average_pool_mve,
    batch_matmul,
    broadcast_to,
    compare,
    concatenation,
    conv,
    conv_compact,
    conv_dsp,
    conv_integer,
    conv_m0,
    conv_mve,
    depthwise_conv,
    depthwise_conv_compact,
    depthwise_conv_dsp,
    depthwise_conv_m0,
    depthwise_conv_mve,
    dequantize,
    dynamic_quantize,
    extremum,
    fully_connected,
    fully_connected_compact,
    fully_connected_dsp,
    fully_connected_m0,
    fully_connected_mve,
    gather,
    gather_at,
    l2_normalization,
    log_softmax,
    lookup,
    lstm,
    matmul_integer,
    max_pool,
    mean,
    mirror_pad,
    mul,
    mul_mve,
    pad,
    pair_lookup,
    prelu,
    quantize,
    reduce_extremum,
    reshape,
    resize_bilinear,
    resize_nearest,
    select,
    sigmoid,
    softmax,
    softmax_int16,
    squared_difference,
    strided_slice,
    svdf,
    transpose,
    transpose_conv,
)
from qembed.ir import Graph, Node, Shape
from qembed.plan.layout import ALL_ORDERS, NHWC, Orders
from qembed.targets import Target

LOWERINGS: dict[str, Callable[[Node, Graph], Lowering]] = {
    "add": add.lower,
    "arg_extremum": arg_extremum.lower,
    "average_pool": average_pool.lower,
    "batch_matmul": batch_matmul.lower,
    "broadcast_to": broadcast_to.lower,
    "compare": compare.lower,
    "concatenation": concatenation.lower,
    "conv": conv.lower,
    "conv_integer": conv_integer.lower,
    "depthwise_conv": depthwise_conv.lower,
    "dequantize": dequantize.lower,
    "dynamic_quantize": dynamic_quantize.lower,
    "extremum": extremum.lower,
    "fully_connected": fully_connected.lower,
    "gather": gather.lower,
    "gather_at": gather_at.lower,
    "l2_normalization": l2_normalization.lower,
    "log_softmax": log_softmax.lower,
    "lookup": lookup.lower,
    "lstm": lstm.lower,
    "matmul_integer": matmul_integer.lower,
    "max_pool": max_pool.lower,
    "mean": mean.lower,
    "mirror_pad": mirror_pad.lower,
    "mul": mul.lower,
    "pad": pad.lower,
    "pair_lookup": pair_lookup.lower,
    "prelu": prelu.lower,
    "quantize": quantize.lower,
    "reduce_extremum": reduce_extremum.lower,
    "reshape": reshape.lower,
    "resize_bilinear": resize_bilinear.lower,
    "resize_nearest": resize_nearest.lower,
    "select": select.lower,
    "sigmoid": sigmoid.lower,
    "softmax": softmax.lower,
    "softmax_int16": softmax_int16.lower,
    "squared_difference": squared_difference.lower,
    "strided_slice": strided_slice.lower,
    "svdf": svdf.lower,
    "transpose": transpose.lower,
    "transpose_conv": transpose_conv.lower,
}
"""The portable kernels: between them they fit every layer, with NHWC images."""

TUNED: dict[str, dict[str, TunedKernel]] = {
    "cmsis_nn": {
        "average_pool": _cmsis_nn.average_pool,
        "conv": _cmsis_nn.conv,
        "depthwise_conv": _cmsis_nn.depthwise_conv,
        "fully_connected": _cmsis_nn.fully_connected,
        "max_pool": _cmsis_nn.max_pool,
    },
    "compact": {
        "add": add_compact.lower,
        "average_pool": average_pool_compact.lower,
        "conv": conv_compact.lower,
        "depthwise_conv": depthwise_conv_compact.lower,
        "fully_connected": fully_connected_compact.lower,
    },
    "compact_pairs": {"conv": conv_compact.lower_pairs},
    "dsp": {
        "add": add_dsp.lower,
        "average_pool": average_pool_dsp.lower,
        "conv": conv_dsp.lower,
        "depthwise_conv": depthwise_conv_dsp.lower,
        "fully_connected": fully_connected_dsp.lower,
    },
    "m0": {
        "add": add_m0.lower,
        "average_pool": average_pool_m0.lower,
        "conv": conv_m0.lower,
        "depthwise_conv": depthwise_conv_m0.lower,
        "fully_connected": fully_connected_m0.lower,
    },
    "mve": {
        "add": add_mve.lower,
        "average_pool": average_pool_mve.lower,
        "conv": conv_mve.lower,
        "depthwise_conv": depthwise_conv_mve.lower,
        "fully_connected": fully_connected_mve.lower,
        "mul": mul_mve.lower,
    },
}
"""By variant, then by operator: kernels that fit some layers, in some storage orders."""

RowKernel = Callable[[Lowering, Any, Shape], Lowering]
"""Takes the layer that computes one row, its parameters, and the shape of the window of rows."""

ROW_KERNELS: dict[str, dict[str, RowKernel]] = {
    "dsp": {"conv": conv_dsp.row_kernel, "depthwise_conv": depthwise_conv_dsp.row_kernel},
}
"""By variant, then by operator: kernels that take the rows of a window where they lie."""


def lower(node: Node, graph: Graph, target: Target) -> Lowering:
    """Choose a kernel for `node`, all images NHWC, and fill its parameters."""
    return candidates(node, graph, target)[NHWC]


def candidates(node: Node, graph: Graph, target: Target) -> dict[Orders, Lowering]:
    """Lower `node` in every storage order for which the target has a kernel.

    Of the target's variants the first one that fits is taken; `NHWC` is always among the orders.

    Raises
    ------
    UnsupportedError
        If the target has no kernel for the layer, or no device computes like it.
    """
    _require_device_arithmetic(node)
    found: dict[Orders, Lowering] = {}
    for orders in ALL_ORDERS:
        for variant in target.variants:
            tuned = TUNED.get(variant, {}).get(node.op)
            lowering = tuned(node, graph, orders) if tuned else None
            if lowering is not None:
                others = tuple(replace(other, orders=orders) for other in lowering.others)
                found[orders] = replace(lowering, orders=orders, others=others)
                break
    if NHWC not in found:
        found[NHWC] = _portable(node, graph, target)
    return found


def _require_device_arithmetic(node: Node) -> None:
    by = getattr(node.params, "requantization", None)
    if isinstance(by, Requantization) and by.rounding in FLOAT_ROUNDINGS:
        raise UnsupportedError(
            f"node '{node.name}' ({node.op}): rounding '{by.rounding}' reproduces a desktop "
            "runtime and has no kernel for devices; import the model with the profile 'tflm'"
        )


def _portable(node: Node, graph: Graph, target: Target) -> Lowering:
    where = f"node '{node.name}' ({node.op})"
    if "portable" not in target.variants:
        raise UnsupportedError(
            f"{where}: no kernel of target '{target.name}' fits this layer; its variants are "
            f"{', '.join(target.variants)}"
        )
    try:
        return LOWERINGS[node.op](node, graph)
    except UnsupportedError as error:
        raise UnsupportedError(f"{where}: {error}") from None
