"""Rewrite a float graph into one that loses less when it is quantized; real numbers stay equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qembed.floats.pool import Pool
from qembed.floats.reduce import Reduce
from qembed.ir import Graph, Node, Tensor


def prepared(graph: Graph) -> Graph:
    """Return an equal graph whose tensors have names of their own.

    Whole images are averaged with a mean, which has a scale of its own; a pool keeps its input's.
    Division by a constant, which has no integer form, becomes a product.
    """
    names = _unique([tensor.name for tensor in graph.tensors])
    tensors = [replace(t, name=n) for t, n in zip(graph.tensors, names, strict=True)]
    nodes = [_as_product(tensors, _as_mean(graph, node)) for node in graph.nodes]
    return replace(graph, tensors=tuple(tensors), nodes=tuple(nodes))


def _as_product(tensors: list[Tensor], node: Node) -> Node:
    """Multiply by the reciprocal of a constant divisor, which enters the table of tensors."""
    if node.op != "binary" or node.params.function != "div":
        return node
    dividend, divisor = node.inputs
    constant = tensors[divisor]
    if constant.data is None or not bool(np.all(constant.data != 0)):
        return node
    tensors.append(replace(constant, name=f"1/{constant.name}", data=1 / constant.data))
    product = replace(node.params, function="mul")
    return replace(node, params=product, inputs=(dividend, len(tensors) - 1))


def _unique(names: Sequence[str]) -> list[str]:
    """Return names with a number behind those that were there before."""
    taken: set[str] = set()
    unique = []
    for name in names:
        number, changed = 1, name
        while changed in taken:
            number += 1
            changed = f"{name}#{number}"
        taken.add(changed)
        unique.append(changed)
    return unique


def _as_mean(graph: Graph, node: Node) -> Node:
    params, shape = node.params, graph.tensors[node.inputs[0]].shape
    if not isinstance(params, Pool):
        return node
    is_whole = params.window == shape[1:3] and params.padding == ((0, 0), (0, 0))
    if params.function != "average" or params.activation != "NONE" or not is_whole:
        return node
    return replace(node, op="reduce", params=Reduce("mean", (1, 2), keep_dims=True))
