"""Networks of 8-bit activations and weights in other widths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qembed.arithmetic import Requantization
from qembed.ir import Graph, Node
from qembed.validate import validate

INT16 = (-32768, 32767)
SUMS = ("conv", "depthwise_conv", "fully_connected")


def four_bits(graph: Graph) -> Graph:
    """The same network with weights of four bits."""

    def narrow(node: Node) -> Node:
        if node.op not in SUMS:
            return node
        weights = (node.params.weights >> 4).astype(np.int8)
        return replace(node, params=replace(node.params, weights=weights, weight_bits=4))

    return validate(replace(graph, nodes=tuple(narrow(node) for node in graph.nodes)))


def sixteen_bits(graph: Graph) -> Graph:
    """A network of the same layers with activations of 16 bits; its numbers are its own."""
    tensors = tuple(replace(t, dtype="int16") for t in graph.tensors)
    nodes = tuple(replace(node, params=_wide(node)) for node in graph.nodes)
    return validate(replace(graph, tensors=tensors, nodes=nodes))


def _wide(node: Node) -> object:
    params = node.params
    changed: dict[str, object] = {}
    if hasattr(params, "activation_range"):
        changed["activation_range"] = INT16
    for name in ("input_zero_point", "output_zero_point", "input1_zero_point", "input2_zero_point"):
        if hasattr(params, name):
            changed[name] = 0
    if node.op in SUMS:
        by = params.requantization
        changed["bias"] = params.bias.astype(np.int64) * 256
        shift = np.clip(by.shift, -14, 7).astype(np.int32)
        changed["requantization"] = Requantization(by.multiplier, shift, "wide")
    if node.op == "add":
        back = Requantization(np.array([1 << 30], np.int32), np.array([-13], np.int32))
        changed["left_shift"] = 15
        changed["output_requantization"] = back
    return replace(params, **changed)
