"""Lowering of every operator: one module each, and this table of them."""

from __future__ import annotations

from collections.abc import Callable

from qembed.export.lowering import Lowering
from qembed.export.ops import (
    add,
    average_pool,
    conv,
    depthwise_conv,
    dequantize,
    fully_connected,
    max_pool,
    mean,
    pad,
    quantize,
    reshape,
    softmax,
)
from qembed.ir import Graph, Node
from qembed.targets import Target

LOWERINGS: dict[str, Callable[[Node, Graph, Target], Lowering]] = {
    "add": add.lower,
    "average_pool": average_pool.lower,
    "conv": conv.lower,
    "depthwise_conv": depthwise_conv.lower,
    "dequantize": dequantize.lower,
    "fully_connected": fully_connected.lower,
    "max_pool": max_pool.lower,
    "mean": mean.lower,
    "pad": pad.lower,
    "quantize": quantize.lower,
    "reshape": reshape.lower,
    "softmax": softmax.lower,
}


def lower(node: Node, graph: Graph, target: Target) -> Lowering:
    """Choose a kernel for `node` and fill its parameters."""
    return LOWERINGS[node.op](node, graph, target)
